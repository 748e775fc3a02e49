/** What a `.head` pack made of FLAME files says about itself. */
import type { HeadPackInfo } from '../pack.ts';
import type { FlameHead } from './read-flame.ts';

/** Credits of every FLAME edition. */
export const FLAME_CREDITS =
  'FLAME: T. Li, T. Bolkart, M. J. Black, H. Li, J. Romero, "Learning a model of facial shape and expression from 4D scans", SIGGRAPH Asia 2017; Max Planck Institute for Intelligent Systems';

/**
 * Version, credits and provenance of a FLAME head: its edition and the SHA-256 of its geometry file, where its texture
 * coordinates come from, which files were not given and where to get them, and the fixed 68 landmarks that a pack has
 * no tensor for (`full68`: faces, and barycentrics in rows of three).
 */
export function flamePackInfo(head: FlameHead): HeadPackInfo {
  const { edition, missing, full68 } = head;
  return {
    version: edition.id,
    credits: FLAME_CREDITS,
    provenance: {
      family: 'FLAME',
      edition: edition.title,
      verified: edition.verified,
      geometrySha256: head.hash,
      uv: head.uvSource,
      missing: Object.fromEntries(missing.map(({ file, help }) => [file, help])),
      ...(full68 && { full68: { faces: [...full68.faces], barycentrics: [...full68.barycentrics] } }),
    },
  };
}
