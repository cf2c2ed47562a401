/** Groups of users and what their members may do, for administrators. Spec 02 §14. */

import Type from 'typebox';
import type { Group, Restriction } from '../../auth/groups/group.js';
import { permissionFlags, readPermissionFlags } from '../../auth/groups/permission-flags.js';
import { refuseWithoutGroups } from '../../auth/groups/unsupported-groups.js';
import { ADMINISTRATORS, permissions } from '../../auth/principal.js';
import type { Access, Route } from '../route.js';
import { refuseSingleUser } from './refuse-single-user.js';
import { commandsRestrictedSchema, tunnelsRestrictedSchema } from './restriction-schema.js';
import { permissionFlagsSchema } from './user-answer.js';

const TAG = 'User Groups';
const administrators: Access = { kind: 'user', admin: true };

const orNull = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);

const groupSchema = Type.Object(
  {
    name: Type.String(),
    permissions: permissionFlagsSchema,
    tunnels_restricted: orNull(tunnelsRestrictedSchema),
    commands_restricted: orNull(commandsRestrictedSchema),
  },
  { title: 'UserGroup' },
);

/** Of any shape, because what is wrong with it is to be said in the words of restrictions. */
const anyRestriction = (what: string) =>
  Type.Optional(Type.Unknown({ description: `Object with restrictions of ${what}; absent or null: none` }));

const putBody = Type.Object({
  name: Type.Optional(Type.Unknown({ description: 'Ignored; the path names the group' })),
  permissions: Type.Optional(
    Type.Union([Type.Record(Type.String(), Type.Boolean()), Type.Null()], {
      description: 'What members may do; absent ones they may not',
    }),
  ),
  tunnels_restricted: anyRestriction('tunnels'),
  commands_restricted: anyRestriction('commands'),
});

const noGroups = 'There are no groups where the users are kept';

const list: Route = {
  method: 'GET',
  path: '/user-groups',
  access: administrators,
  docs: {
    tag: TAG,
    summary: 'List user groups',
    description: 'First those with permissions of their own, then those that only have members; by name.',
    errors: { 400: noGroups },
  },
  responses: { 200: orNull(Type.Array(groupSchema)) },
  async handler(_request, { users }) {
    refuseWithoutGroups(users);
    const [rows, names] = await Promise.all([users.allGroups(), users.groupNames()]);
    const known = new Set(rows.map(({ name }) => name));
    const groups = [...rows, ...names.filter((name) => !known.has(name)).map(groupWithoutRow)];
    // As in the reference, an empty list is none.
    return { status: 200, data: groups.length === 0 ? null : groups.map(groupAnswer) };
  },
};

const show: Route = {
  method: 'GET',
  path: '/user-groups/{group_name}',
  access: administrators,
  docs: {
    tag: TAG,
    summary: 'Show a user group',
    description: 'A group nobody knows is one that may do nothing.',
    errors: { 400: noGroups },
  },
  responses: { 200: groupSchema },
  async handler({ params }, context) {
    refuseSingleUser(context);
    refuseWithoutGroups(context.users);
    const { group_name: name = '' } = params;
    const [row = groupWithoutRow(name)] = await context.users.groups([name]);
    return { status: 200, data: groupAnswer(row) };
  },
};

const put: Route = {
  method: 'PUT',
  path: '/user-groups/{group_name}',
  access: administrators,
  docs: {
    tag: TAG,
    summary: 'Add or replace a user group',
    description: 'What is absent is neither allowed nor restricted any more.',
    errors: { 400: `Unknown permission, bad restriction, the group is \`${ADMINISTRATORS}\`. ${noGroups}` },
  },
  audit: { application: 'auth.user.group', action: 'update' },
  body: putBody,
  responses: { 200: groupSchema },
  async handler({ params, body }, context) {
    refuseSingleUser(context);
    const given = body as {
      permissions?: Readonly<Record<string, boolean>> | null;
      // Of any shape in truth; `putGroup` checks them.
      tunnels_restricted?: Restriction | null;
      commands_restricted?: Restriction | null;
    };
    const group = await context.accounts.putGroup(params.group_name ?? '', {
      permissions: readPermissionFlags(given.permissions ?? {}),
      tunnelsRestricted: given.tunnels_restricted ?? null,
      commandsRestricted: given.commands_restricted ?? null,
    });
    const data = groupAnswer(group);
    return {
      status: 200,
      data,
      audit: { affectedId: params.group_name ?? '', request: given, response: data },
    };
  },
};

const remove: Route = {
  method: 'DELETE',
  path: '/user-groups/{group_name}',
  access: administrators,
  docs: {
    tag: TAG,
    summary: 'Remove a user group',
    description: 'Nobody is a member of it any more.',
    errors: { 400: `The group is \`${ADMINISTRATORS}\`. ${noGroups}` },
  },
  audit: { application: 'auth.user.group', action: 'delete' },
  responses: { 204: null },
  async handler({ params }, context) {
    refuseSingleUser(context);
    await context.accounts.removeGroup(params.group_name ?? '');
    return { status: 204, empty: true, audit: { affectedId: params.group_name ?? '' } };
  },
};

export const userGroupRoutes: readonly Route[] = [list, show, put, remove];

const groupWithoutRow = (name: string): Group => ({
  name,
  permissions: new Set(),
  tunnelsRestricted: null,
  commandsRestricted: null,
});

/** Administrators may do everything, whatever a row of theirs says. */
const groupAnswer = ({ name, ...group }: Group): unknown => {
  const everything = name === ADMINISTRATORS;
  return {
    name,
    permissions: permissionFlags(everything ? new Set(permissions) : group.permissions),
    tunnels_restricted: everything ? null : group.tunnelsRestricted,
    commands_restricted: everything ? null : group.commandsRestricted,
  };
};
