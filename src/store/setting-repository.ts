/** Table `settings`. */

import { committed } from './commit.js';
import { checkKeyText, isKeyText } from './key.js';
import type { SettingRepository } from './settings.js';
import type { OpenedTables } from './tables.js';

export function createSettingRepository({ settings }: OpenedTables): SettingRepository {
  return {
    get(name) {
      if (!isKeyText(name)) return undefined;
      settings.resetReadTxn();
      return settings.get(name);
    },

    async put(name, value) {
      checkKeyText(name);
      await committed(settings.put(name, value));
    },
  };
}
