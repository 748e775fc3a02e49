/**
 * Colour of skin from what is in it: melanin in the epidermis over a scattering dermis that holds blood.
 *
 * Epidermis: absorption 6.6e11 λ^−3.33 /cm at full melanin (Jacques 1998), 60 µm thick, crossed twice by diffuse
 * light; dermis: Kubelka-Munk reflectance of an infinitely thick layer with whole blood at 70 % oxygen saturation
 * (Prahl's table), the baseline of bloodless skin and Jacques' scattering; the two layers as in Donner & Jensen
 * (2006), the two pigments as independent axes as in Tsumura et al. (2003). Three wavelengths stand for R, G and B.
 */

const WAVELENGTHS = [610, 545, 462] as const;
/** Absorption of whole blood (150 g/l) at the three wavelengths, 1/cm. */
const BLOOD = [20.8, 240, 330] as const;
const BETA_CAROTENE = [0, 0.6, 11] as const;
const EPIDERMIS_CM = 0.006;
/** Light that the surface sends back unseen by any pigment. */
const SURFACE = 0.02;

/** sRGB-encoded colour of skin with `melanin` (0.01 very light … 0.45 very dark), `blood` (0.005 … 0.07) and `yellow` (0 … 0.3). */
export function skinColour(melanin: number, blood: number, yellow: number): [number, number, number] {
  return [0, 1, 2].map((k) => {
    const nm = WAVELENGTHS[k]!;
    const pigment = 6.6e11 * nm ** -3.33;
    const baseline = 0.244 + 85.3 * Math.exp(-(nm - 154) / 66.2);
    const absorption = blood * BLOOD[k]! + baseline + yellow * BETA_CAROTENE[k]!;
    const scattering = 46 * (nm / 500) ** -1.42;
    const ratio = (2 * absorption) / (0.75 * scattering);
    const dermis = 1 + ratio - Math.sqrt(ratio * ratio + 2 * ratio);
    const epidermis = Math.exp(-2 * EPIDERMIS_CM * melanin * pigment);
    return encode(SURFACE + 0.98 * epidermis * dermis);
  }) as [number, number, number];
}

/** Linear to sRGB. */
export function encode(x: number): number {
  return x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055;
}
