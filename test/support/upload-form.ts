/** Multipart bodies of `POST /files`. */

const BOUNDARY = 'boundary-of-the-tests';

export const FORM_TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

/** Name and value of a text, or name and bytes of a file, in the order sent. */
export type FormPart = readonly [name: string, value: string | Buffer];

export function formBody(parts: readonly FormPart[]): Buffer {
  const chunks: (string | Buffer)[] = [];
  for (const [name, value] of parts) {
    const file =
      typeof value === 'string' ? '' : '; filename="file.bin"\r\nContent-Type: application/octet-stream';
    chunks.push(
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n`,
      value,
      '\r\n',
    );
  }
  chunks.push(`--${BOUNDARY}--\r\n`);
  return Buffer.concat(chunks.map((chunk) => Buffer.from(chunk as string)));
}

/** Options of a request with a form. */
export const form = (...parts: readonly FormPart[]) => ({
  headers: { 'content-type': FORM_TYPE },
  body: formBody(parts),
});
