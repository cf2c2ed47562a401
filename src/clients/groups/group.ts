/** Client groups: clients named by what they have in common, and who may access them. Spec 03 §7. */

/** What a group can ask of its members, in the order of the answer. */
export const groupParamNames = [
  'client_id',
  'name',
  'os',
  'os_arch',
  'os_family',
  'os_kernel',
  'hostname',
  'ipv4',
  'ipv6',
  'tag',
  'version',
  'address',
  'client_auth_id',
  'connection_state',
] as const;
export type GroupParamName = (typeof groupParamNames)[number];

type Texts = readonly (string | null)[];

/** A list, or an object of one key `and` or `or`; shown as it was given. `parseTagParam` reads it. */
export type TagParam = Texts | Readonly<Record<string, Texts>>;

/** Patterns by parameter; `null` = any client. A group without any parameter has no members. */
export type GroupParams = Readonly<Record<Exclude<GroupParamName, 'tag'>, readonly string[] | null>> & {
  readonly tag: TagParam | null;
};

export interface ClientGroup {
  readonly id: string;
  readonly description: string;
  readonly params: GroupParams;
  /** User groups that may access the members; `null` when never given. */
  readonly allowedUserGroups: readonly string[] | null;
}

/** What one thread tells the others about client groups. */
export type ClientGroupChange =
  | { readonly type: 'saved'; readonly group: ClientGroup }
  | { readonly type: 'removed'; readonly id: string };

/** Topic under which `ClientGroupChange`s are published between threads. */
export const CLIENT_GROUPS_TOPIC = 'client-groups';
