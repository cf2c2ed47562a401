import { type ClientGroup, type GroupParams, groupParamNames } from '../../src/clients/groups/group.js';

const unset = Object.fromEntries(groupParamNames.map((name) => [name, null])) as unknown as GroupParams;

/** A client group with some parameters set; `more` replaces other fields. */
export const clientGroup = (
  id: string,
  params: Partial<GroupParams> = {},
  more: Partial<Omit<ClientGroup, 'id' | 'params'>> = {},
): ClientGroup => ({
  id,
  description: '',
  allowedUserGroups: null,
  ...more,
  params: { ...unset, ...params },
});
