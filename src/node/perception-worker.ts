/** The thread that looks for faces; see `threaded-perception.ts`. */
import type { Image8 } from '../core/image.ts';
import type { FaceObservation, FacePerception } from '../perceive/types.ts';
import { loadPerception } from './perception.ts';
import { serve } from './threads.ts';

let perception: FacePerception | null = null;

serve({
  start: async () => {
    perception = await loadPerception();
    return { value: null };
  },
  detect: async (image: Image8) => ({ value: await perception!.detect(image) }),
  track: async ({ image, previous }: { image: Image8; previous: FaceObservation }) => ({
    value: await perception!.track!(image, previous),
  }),
  describe: async ({ image, face }: { image: Image8; face: FaceObservation }) => ({
    value: await perception!.describe!(image, face),
  }),
});
