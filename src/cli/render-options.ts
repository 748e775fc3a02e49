/** What a user can ask of `photofit render`, after parsing. */

/** Options of `photofit render`, after parsing. */
export interface RenderOptions {
  readonly out?: string;
  readonly model?: string;
  readonly space?: string;
  readonly size: number;
  /** Degrees; undefined leaves the head as in the photo unless another angle is given. */
  readonly yaw?: number;
  readonly pitch?: number;
  readonly roll?: number;
  /** Names and weights; the name `neutral` alone takes the fitted expression away. */
  readonly expression: readonly (readonly [string, number])[];
  /** Joints and axis-angle rotations in degrees. */
  readonly pose: readonly (readonly [string, readonly number[]])[];
  readonly light: string;
  readonly background: string;
  readonly frame: 'head' | 'photo';
  readonly shape: boolean;
  readonly albedo: boolean;
  readonly shading: boolean;
  readonly normals: boolean;
  readonly modelTexture: boolean;
  readonly samples: number;
  readonly turntable?: number;
  readonly fps: number;
  readonly debug: boolean;
}
