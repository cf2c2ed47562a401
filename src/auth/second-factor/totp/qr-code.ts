import { toBuffer } from 'qrcode';

/** Pixels. Spec 02 §9.2. */
const WIDTH = 200;

/** The picture of a text for an authenticator app to scan: PNG, 200×200, as Base64. */
export async function qrCode(text: string): Promise<string> {
  const png = await toBuffer(text, { type: 'png', width: WIDTH });
  return png.toString('base64');
}
