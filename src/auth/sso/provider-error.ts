/** The two ways in which an identity provider does not give what it was asked for. */

/** Longest part of a provider's text that is shown to callers. */
const LONGEST_TEXT = 200;

/** The provider said no, in the words of RFC 6749 §5.2. Bounded, on one line; may be shown to callers. */
export class ProviderRefusal extends Error {
  readonly error: string;
  readonly description: string;
  readonly uri: string;

  constructor(
    /** HTTP status of its answer. */
    readonly status: number,
    error: unknown,
    description: unknown,
    uri: unknown,
  ) {
    const shown = [shownText(error), shownText(description)];
    super(shown.filter((text) => text !== '').join(': '));
    this.name = 'ProviderRefusal';
    [this.error = '', this.description = ''] = shown;
    this.uri = shownText(uri);
  }
}

/** The provider cannot be reached, or its answer is none. The message is for the log only. */
export class ProviderFailure extends Error {
  override readonly name = 'ProviderFailure';
}

function shownText(text: unknown): string {
  if (typeof text !== 'string') return '';
  return text
    .slice(0, LONGEST_TEXT)
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim();
}
