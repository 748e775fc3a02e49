/** What a user can ask of `photofit space fit`, after parsing. */
import type { GateThresholds } from '../dataset/gate.ts';
import type { Shard } from '../dataset/shard.ts';

/** Options of `photofit space fit`; what is absent is as the work folder has it, or by default. */
export interface SpaceFitOptions {
  /** Work folder. */
  readonly out: string;
  readonly model?: string;
  readonly space?: string;
  readonly light?: 'mono' | 'rgb';
  readonly camera?: 'perspective' | 'orthographic';
  readonly size?: number;
  readonly mapSize?: number;
  readonly beside?: boolean;
  readonly jobs?: number;
  readonly shard?: Shard;
  readonly retryFailed: boolean;
  readonly gate?: Partial<GateThresholds>;
  readonly queue?: string;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly debug: boolean;
}
