/**
 * What a head is: a linear blendshape model with skinning, as plain data. FLAME, GNM, ICT-FaceKit and the
 * embedded open-head all become one of these; nothing downstream knows where a head came from.
 *
 * Dimension letters: V vertices, F faces, U texture vertices, S identity, E expression, T texture components,
 * J joints, L landmarks, H×W texels. Model space: metres, x to the subject's left, y up, z out of the face
 * (right-handed). UV: u to the right, v **down**, (0, 0) the top left corner of the texture image.
 *
 * Forward function (after Li et al. 2017, "Learning a model of facial shape and expression from 4D scans",
 * eq. 2-5): bind = template + Σ identity + Σ expression + Σ pose correctives; joints = jointTemplate +
 * Σ joint bases; linear blend skinning of bind by the joints' axis-angle rotations. See `pose.ts`.
 */

/** A node of the skeleton; parents come before children, the root is first. */
export interface Joint {
  /** `root`, `neck`, `jaw`, `left_eye`, `right_eye` where a model has them. */
  readonly name: string;
  /** Index of the parent joint, −1 for the root. */
  readonly parent: number;
}

/** Points fixed on the surface by face and barycentric coordinates. */
export interface SurfacePoints {
  /** (L) uint32 face of each point. */
  readonly faces: Uint32Array;
  /** (L,3) float32 barycentric coordinates, each row sums to 1. */
  readonly barycentrics: Float32Array;
}

/** Where landmarks sit on the head. */
export interface LandmarkEmbedding {
  /** iBUG-68 landmarks 17…67 (51 points: brows, nose, eyes, outer and inner lips). */
  readonly inner51: SurfacePoints;
  /**
   * iBUG-68 landmarks 0…16, the face contour, which slides over the surface with the head's yaw: row r of
   * `points` (17 consecutive entries from 17·r) is for yaw `yaws[r]`.
   */
  readonly contour: {
    /** (R) float32 radians, ascending; positive turns the face towards the subject's left (+x). */
    readonly yaws: Float32Array;
    readonly points: SurfacePoints;
  };
  /** Face-mesh landmarks (MediaPipe, 478 points) that do not slide, by their number there. */
  readonly mesh: {
    /** (L) uint32 in 0…477; 468…472 and 473…477 are the irises (centre first). */
    readonly indices: Uint32Array;
    readonly points: SurfacePoints;
  };
}

/** Linear albedo space over a UV map; colours are sRGB-encoded in [0, 1], RGB. */
export interface TextureSpace {
  readonly width: number;
  readonly height: number;
  /** (H,W,3) float32. */
  readonly mean: Float32Array;
  /** (T,H,W,3) float32, each component scaled to one standard deviation; T = basis.length / (3·H·W). */
  readonly basis: Float32Array;
  readonly names: readonly string[];
  /** The texture space file it came from, where it replaced the head's own: name and SHA-256. */
  readonly source?: { readonly name: string; readonly hash: string };
}

/** The eyes of a model, the left one first, as `find-eyes.ts` finds them; plain data. */
export interface Eyes {
  readonly eyes: readonly Eye[];
}

/** One of {@link Eyes}. */
export interface Eye {
  /** Vertices of the eyeball. */
  readonly ball: Uint32Array;
  /**
   * (ball) weights of those vertices that add up to its centre, that of the sphere nearest to the template's: affine in
   * the vertices, so that they add up to the centre wherever the eyeball is moved to.
   */
  readonly shares: Float64Array;
  /** Faces of the eyeball. */
  readonly faces: Uint32Array;
  /** (n) faces near to it, and (n,3) their vertices. */
  readonly lids: Uint32Array;
  readonly corners: Uint32Array;
}

/** A head model. All arrays are read-only by convention. */
export interface HeadModel {
  readonly name: string;
  /** SHA-256 of the file it came from, hex; written into every fit. */
  readonly hash: string;
  readonly license: string;
  /** (V,3) float32 metres. */
  readonly template: Float32Array;
  /** (F,3) uint32, counter-clockwise seen from outside. */
  readonly faces: Uint32Array;
  /** (U,2) float32. */
  readonly uvs: Float32Array;
  /** (F,3) uint32 into `uvs`. */
  readonly faceUvs: Uint32Array;
  /** (S,V,3) float32 metres per standard deviation. */
  readonly identityBasis: Float32Array;
  readonly identityNames: readonly string[];
  /** (E,V,3) float32 metres per unit. */
  readonly expressionBasis: Float32Array;
  readonly expressionNames: readonly string[];
  /** (E) float32 prior standard deviation of each expression coefficient. */
  readonly expressionSd: Float32Array;
  /** (E,2) float32 lower and upper bound: (0, 1) for named blendshapes, (−∞, ∞) for principal components. */
  readonly expressionRange: Float32Array;
  readonly joints: readonly Joint[];
  /** (J,3) float32 metres. */
  readonly jointTemplate: Float32Array;
  /** (S,J,3) float32. */
  readonly jointIdentityBasis: Float32Array;
  /** (E,J,3) float32. */
  readonly jointExpressionBasis: Float32Array;
  /** (9·(J−1),V,3) float32 per element of R_j − I, row-major, joints 1…J−1; null without pose correctives. */
  readonly poseBasis: Float32Array | null;
  /** (V,J) float32, rows sum to 1. */
  readonly skinWeights: Float32Array;
  readonly landmarks: LandmarkEmbedding;
  readonly texture: TextureSpace | null;
  /**
   * Named vertex sets: `face` (the front of the face, where errors are measured), `skin` (where a photometric
   * energy makes sense: no eyeballs, mouth interior, scalp under hair), `left_eyeball`, `right_eyeball`,
   * `mouth_interior`, `scalp`, `neck`, `ears`, …
   */
  readonly regions: ReadonlyMap<string, Uint32Array>;
  /** What `eyesOf` (`eyelids.ts`) found on the model that this one was made from, where it was made from one. */
  readonly eyes?: Eyes | null;
}

/** Coefficients that choose one head out of a model. */
export interface HeadParams {
  /** (S) float32 standard deviations. */
  readonly identity: Float32Array;
  /** (E) float32. */
  readonly expression: Float32Array;
  /** (J,3) float32 axis-angle in radians, local to the parent; the root's is the head's rotation. */
  readonly pose: Float32Array;
  /** (T) float32 standard deviations. */
  readonly texture: Float32Array;
  /** (48) float32 smooth changes of the skin's colour that the texture space lacks, see `tint.ts`; none where absent. */
  readonly tint?: Float32Array;
}

/** Sizes of a model: the dimension letters. */
export interface HeadSizes {
  readonly V: number;
  readonly F: number;
  readonly S: number;
  readonly E: number;
  readonly J: number;
  readonly T: number;
}

/** Sizes of `model`. */
export function headSizes(model: HeadModel): HeadSizes {
  const V = model.template.length / 3;
  const texels = model.texture ? model.texture.mean.length : 0;
  return {
    V,
    F: model.faces.length / 3,
    S: model.identityBasis.length / (3 * V),
    E: model.expressionBasis.length / (3 * V),
    J: model.joints.length,
    T: model.texture && texels > 0 ? model.texture.basis.length / texels : 0,
  };
}

/** All-zero parameters: the model's mean head, neutral, facing +z. */
export function neutralParams(model: HeadModel): HeadParams {
  const { S, E, J, T } = headSizes(model);
  return {
    identity: new Float32Array(S),
    expression: new Float32Array(E),
    pose: new Float32Array(3 * J),
    texture: new Float32Array(T),
  };
}

/** Index of the joint called `name`, −1 where the model has none. */
export function jointIndex(model: HeadModel, name: string): number {
  return model.joints.findIndex((j) => j.name === name);
}
