/**
 * Robust losses on squared, scaled residuals s = |r|²/σ²: the value ρ(s) and the IRLS weight ρ'(s).
 * Both agree with plain least squares (ρ = s, ρ' = 1) for small s (Barron 2019, "A general and adaptive robust
 * loss function": the Geman-McClure and pseudo-Huber members).
 */

/** Geman-McClure: ρ(s) = s/(1 + s/k²), bounded by k². */
export function gemanMcClure(s: number, k: number): number {
  return s / (1 + s / (k * k));
}

/** ρ'(s) of {@link gemanMcClure}. */
export function gemanMcClureWeight(s: number, k: number): number {
  const d = 1 + s / (k * k);
  return 1 / (d * d);
}

/** Pseudo-Huber: ρ(s) = 2k²(√(1 + s/k²) − 1). */
export function pseudoHuber(s: number, k: number): number {
  return 2 * k * k * (Math.sqrt(1 + s / (k * k)) - 1);
}

/** ρ'(s) of {@link pseudoHuber}. */
export function pseudoHuberWeight(s: number, k: number): number {
  return 1 / Math.sqrt(1 + s / (k * k));
}

/** Cauchy: ρ(s) = k²·log(1 + s/k²). */
export function cauchy(s: number, k: number): number {
  return k * k * Math.log1p(s / (k * k));
}

/** ρ'(s) of {@link cauchy}. */
export function cauchyWeight(s: number, k: number): number {
  return 1 / (1 + s / (k * k));
}
