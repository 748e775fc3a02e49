/**
 * The editions of FLAME and where their files come from. Editions share one layout (300 identity and 100 expression
 * components, 5 joints) and differ in values only, so a file is told by its SHA-256 where that is known, else by its
 * name; one that neither tells is still read and called `unknown`.
 *
 * FLAME 2023 "no jaw" has the mouth's opening in its expressions and is meant to be used with the jaw joint at rest.
 */

/** Which FLAME a geometry file is. */
export interface FlameEdition {
  /** `2017`, `2019`, `2020`, `2023`, `2023-no-jaw`, `2023-open` or `unknown`. */
  readonly id: string;
  /** `generic`, `male` or `female`. */
  readonly gender: 'generic' | 'male' | 'female';
  /** For people, e.g. `FLAME 2020 (generic)`. */
  readonly title: string;
  /** What its licence is called. */
  readonly license: string;
  /** Whether the SHA-256 is that of a known official file. */
  readonly verified: boolean;
}

const RESEARCH = 'FLAME model licence (Max Planck Society, non-commercial research)';

/** SHA-256 of official files. */
const HASHES: ReadonlyMap<string, readonly [id: string, gender: FlameEdition['gender']]> = new Map([
  ['efcd14cc4a69f3a3d9af8ded80146b5b6b50df3bd74cf69108213b144eba725b', ['2020', 'generic']],
]);

/**
 * Tells the edition.
 * @param hash SHA-256 of the geometry file, hex.
 * @param path its name, with as many folders as are known (`FLAME2019/generic_model.pkl`).
 */
export function flameEdition(hash: string, path = ''): FlameEdition {
  const known = HASHES.get(hash);
  const lower = path.toLowerCase();
  const year = /20(17|19|20|23)/.exec(lower)?.[0];
  let id: string = known?.[0] ?? year ?? 'unknown';
  if (!known && id === '2023') {
    if (lower.includes('open')) id = '2023-open';
    else if (/no_?-?jaw/.test(lower)) id = '2023-no-jaw';
  }
  const gender = known?.[1] ?? (/female/.test(lower) ? 'female' : /male/.test(lower) ? 'male' : 'generic');
  return {
    id,
    gender,
    title: `FLAME ${id === 'unknown' ? '(edition unknown)' : id.replace(/-/g, ' ')}, ${gender}`,
    license: id === '2023-open' ? 'CC-BY-4.0' : RESEARCH,
    verified: known !== undefined,
  };
}

/** What each file of a FLAME download is for and where to get it; keys as in {@link FlameFiles}. */
export const FLAME_FILE_HELP = {
  geometry:
    'generic_model.pkl (FLAME 2017-2020) or flame2023.pkl: https://flame.is.tue.mpg.de, Download, after registering',
  texture:
    'FLAME_texture.npz (texture space): https://flame.is.tue.mpg.de, Download; or albedoModel2020_FLAME_albedoPart.npz (AlbedoMM): https://github.com/waps101/AlbedoMM',
  landmarks:
    'landmark_embedding.npy: in the DECA repository, data/ (https://github.com/yfeng95/DECA); or flame_static_embedding.pkl and flame_dynamic_embedding.npy: in RingNet and TF_FLAME',
  mediapipe: 'mediapipe_landmark_embedding.npz: https://flame.is.tue.mpg.de, Download',
  masks: 'FLAME_masks.pkl (vertex masks): https://flame.is.tue.mpg.de, Download',
  template: 'head_template_mesh.obj (UV layout): in the texture-space and DECA downloads',
} as const;
