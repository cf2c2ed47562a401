/** A parsed and validated list request. Spec 03 §3. */

export interface SortKey {
  readonly column: string;
  readonly descending: boolean;
}

export interface Filter {
  readonly columns: readonly string[];
  readonly operator: string;
  readonly values: readonly string[];
  readonly combine: 'or' | 'and';
}

export interface ListOptions {
  readonly sorts: readonly SortKey[];
  readonly filters: readonly Filter[];
  /** Requested field names by resource; absent resource = the endpoint's default. */
  readonly fields: Readonly<Record<string, readonly string[]>>;
  readonly offset: number;
  readonly limit: number;
}

/** What one list endpoint supports. Spec 03 §3.6. */
export interface ListSupport {
  readonly sorts: readonly string[];
  readonly filters: readonly string[];
  /** `false`: `filter[*]` is refused, because there is no text to search. Default: it means all filters without operator. */
  readonly searchable?: boolean;
  /** Field names by resource; absent = `fields[…]` is ignored. */
  readonly fields?: Readonly<Record<string, readonly string[]>>;
  /** Absent = `page[…]` is ignored. */
  readonly page?: { readonly defaultLimit: number; readonly maxLimit: number };
}
