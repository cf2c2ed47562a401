/** As much of a browser as logging in at a provider takes: redirects and cookies. */

const MOST_REDIRECTS = 10;

export interface Page {
  /** Where it ended up. */
  readonly location: string;
  readonly status: number;
  readonly body: string;
}

export class Browser {
  readonly #cookies = new Map<string, string>();
  readonly #user: string;

  /** `user` is whom the person in front of it logs in as wherever he is asked. */
  constructor(user: string) {
    this.#user = user;
  }

  /** Follows redirects, at most up to one to `until`, which is not opened. */
  open(url: string, until?: string): Promise<Page> {
    return this.#send(url, { method: 'GET' }, until);
  }

  post(url: string, form: Readonly<Record<string, string>>): Promise<Page> {
    return this.#send(url, { method: 'POST', body: new URLSearchParams(form) });
  }

  async #send(url: string, init: RequestInit, until?: string): Promise<Page> {
    let next = { url, init };
    for (let hop = 0; hop < MOST_REDIRECTS; hop++) {
      const response = await fetch(next.url, {
        ...next.init,
        redirect: 'manual',
        headers: { cookie: this.#cookieHeader(), 'x-user': this.#user, connection: 'close' },
      });
      this.#keep(response.headers.getSetCookie());
      const body = await response.text();
      const target = response.headers.get('location');
      if (target === null) return { location: next.url, status: response.status, body };
      next = { url: new URL(target, next.url).href, init: { method: 'GET' } };
      if (until !== undefined && next.url.startsWith(until)) {
        return { location: next.url, status: response.status, body };
      }
    }
    throw new Error(`more than ${MOST_REDIRECTS} redirects from ${url}`);
  }

  #keep(lines: readonly string[]): void {
    for (const line of lines) {
      const [pair = ''] = line.split(';');
      const at = pair.indexOf('=');
      this.#cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
  }

  #cookieHeader(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }
}
