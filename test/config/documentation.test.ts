import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { deprecatedKeys } from '../../src/config/deprecated.js';
import { keyPaths } from '../../src/config/keys.js';
import { notYetAvailable } from '../../src/config/not-yet.js';

const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');

/** The part of the page about one TOML section. */
function chapterOf(section: string): string {
  const chapters = page.split(/^## /m);
  return chapters.find((chapter) => chapter.split('\n')[0]?.includes(`[${section}]`)) ?? '';
}

/** The table row that names the key in its first cell. */
function rowOf(section: string, key: string): string | undefined {
  return chapterOf(section)
    .split('\n')
    .find((line) => {
      const cell = line.split('|')[1] ?? '';
      const inOtherSection = section.startsWith('plus-') && !cell.includes(`${section}.`);
      return line.startsWith('|') && !inOtherSection && new RegExp(`[\`.]${key}\``).test(cell);
    });
}

describe('docs/configuration.md', () => {
  it('describes every setting', () => {
    const missing = keyPaths.filter((path) => {
      const [section = '', key = ''] = path.split('.');
      return rowOf(section, key) === undefined;
    });
    assert.deepEqual(missing, []);
  });

  it('names every deprecated setting', () => {
    for (const path of deprecatedKeys.keys()) assert.ok(page.includes(`\`${path}\``), path);
  });

  it('marks exactly the settings this release does not honour', () => {
    const patterns = Object.values(notYetAvailable).flat();
    for (const path of keyPaths) {
      const [section = '', key = ''] = path.split('.');
      const listed = patterns.includes(path) || patterns.includes(`${section}.*`);
      const wholeSection = /^\*\*not yet\*\*/m.test(chapterOf(section));
      const marked = wholeSection || (rowOf(section, key) ?? '').includes('**not yet**');
      assert.equal(marked, listed, path);
    }
  });

  it('lists only patterns of existing settings', () => {
    for (const pattern of Object.values(notYetAvailable).flat())
      assert.ok(
        pattern.endsWith('.*')
          ? keyPaths.some((path) => path.startsWith(pattern.slice(0, -1)))
          : keyPaths.includes(pattern),
        pattern,
      );
  });
});
