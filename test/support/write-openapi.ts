/** Writes the OpenAPI document to the file given as argument: `npm run openapi`. */

import { writeFileSync } from 'node:fs';
import { describedApi } from './described-api.js';

const target = process.argv[2];
if (target === undefined) throw new Error('usage: write-openapi <file>');
writeFileSync(target, describedApi());
