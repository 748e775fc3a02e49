/** The part of the Khronos glTF validator that the tests use; the package has no types. */
declare module 'gltf-validator' {
  export interface ValidationReport {
    readonly issues: {
      readonly numErrors: number;
      readonly numWarnings: number;
      readonly numInfos: number;
      readonly messages: readonly {
        readonly code: string;
        readonly severity: number;
        readonly pointer: string;
      }[];
    };
    readonly info: {
      readonly totalVertexCount: number;
      readonly hasMorphTargets: boolean;
      readonly hasSkins: boolean;
      readonly hasTextures: boolean;
    };
  }
  export function validateBytes(
    bytes: Uint8Array,
    options?: { maxIssues?: number },
  ): Promise<ValidationReport>;
}
