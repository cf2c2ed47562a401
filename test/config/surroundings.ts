import type { LoadedConfig } from '../../src/config/load.js';
import { loadConfig } from '../../src/config/load.js';
import type { Surroundings } from '../../src/config/surroundings.js';

export interface Situation extends Partial<Omit<Surroundings, 'readFile'>> {
  /** Content of `/etc/test.conf`, given with `-c`. */
  readonly toml?: string;
  /** Further files by absolute path. */
  readonly files?: Readonly<Record<string, string>>;
}

const CONFIG = '/etc/test.conf';

/** Loads a configuration in a made-up machine: nothing of the real one shows through. */
export function load({ toml, files = {}, argv = [], ...rest }: Situation = {}): LoadedConfig {
  const all = toml === undefined ? files : { ...files, [CONFIG]: toml };
  return loadConfig({
    env: {},
    cwd: '/work-dir',
    isRoot: false,
    cores: 2,
    isExecutable: () => false,
    ...rest,
    argv: toml === undefined ? argv : ['-c', CONFIG, ...argv],
    readFile: (path) => {
      const content = all[path];
      if (content === undefined) throw Object.assign(new Error(`missing ${path}`), { code: 'ENOENT' });
      return content;
    },
  });
}

/** The smallest accepted `[server]` section plus further lines of it. */
export const server = (...lines: readonly string[]): string =>
  `[server]\nauth = "a:b"\n${lines.join('\n')}\n`;

/** A server with an API section of these lines. */
export const api = (...lines: readonly string[]): string =>
  `${server()}[api]\naddress = "127.0.0.1:0"\n${lines.join('\n')}\n`;

/** Text of the refusal, without its wrapping. */
export function refusal(situation: Situation): string {
  try {
    load(situation);
  } catch (thrown) {
    return (thrown as Error).message.replace(/^Invalid config: /, '').replace(/\. See --help$/, '');
  }
  throw new Error('the configuration was accepted');
}
