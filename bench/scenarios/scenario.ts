/** What a scenario is: it measures one server and returns named figures; wrong or lost work must be zero. */

import type { ServerUnderTest } from '../servers/server-under-test.js';
import type { StartOptions } from '../servers/start.js';

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Bound on ours ÷ reference from the performance targets. */
  readonly ratioTarget?: { readonly atLeast: number } | { readonly atMost: number };
}

export interface Measured {
  readonly figures: readonly Figure[];
  /** Lost, refused or wrong pieces of work. */
  readonly faults: number;
}

export interface Scenario {
  readonly name: string;
  /** What is measured, in one sentence. */
  readonly about: string;
  /** `false`: takes minutes on the reference and is run against it once, not repeatedly. */
  readonly repeatable?: false;
  /** `true`: it needs what only this server can be given. */
  readonly onlyOurs?: true;
  run(start: (options?: StartOptions) => Promise<ServerUnderTest>): Promise<Measured>;
}
