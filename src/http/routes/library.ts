/** Scripts and commands kept for later use. Spec 03 §10. */

import Type, { type TSchema } from 'typebox';
import type { Permission } from '../../auth/principal.js';
import { AppError } from '../../errors.js';
import type { LibraryEntry, Stored } from '../../library/entry.js';
import { commandKind, type LibraryKind, scriptKind } from '../../library/kind.js';
import type { LibraryInput, Shelf } from '../../library/library.js';
import type { ListSupport } from '../../query/types.js';
import { readFields, readListOptions } from '../../query/validate.js';
import type { ApiContext } from '../context.js';
import { fieldsParameters, listParameters } from '../list-parameters.js';
import type { Access, ApiRequest, Route } from '../route.js';

const DEFAULT_TIMEOUT_SECONDS = 60;

const optionalText = (description: string) => Type.Optional(Type.String({ description }));

const common = {
  name: Type.String({ description: 'Unique among its kind; letter case counts' }),
  tags: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])),
  timeout_sec: Type.Optional(
    Type.Integer({ description: 'Seconds it may run; absent and 0 stand for 60', default: 0 }),
  ),
};

const scriptBody = Type.Object({
  name: common.name,
  interpreter: optionalText('Of the client, or one of its aliases; empty: its default'),
  is_sudo: Type.Optional(Type.Boolean({ description: 'Run with sudo; not on Windows' })),
  cwd: optionalText('Folder it runs in; empty: the default of the client'),
  script: Type.String({ description: 'Plain text, not base64' }),
  tags: common.tags,
  timeout_sec: common.timeout_sec,
});

const commandBody = Type.Object({
  name: common.name,
  cmd: Type.String({ description: 'The command line' }),
  tags: common.tags,
  timeout_sec: common.timeout_sec,
});

const kept = {
  id: Type.String({ description: 'UUID' }),
  name: Type.String(),
  created_by: Type.String({ description: 'User name' }),
  created_at: Type.String({ format: 'date-time' }),
  updated_by: Type.String({ description: 'User name' }),
  updated_at: Type.String({ format: 'date-time' }),
};
const last = {
  tags: Type.Union([Type.Array(Type.String()), Type.Null()], { description: 'Null when never given' }),
  timeout_sec: Type.Integer({ description: 'Seconds' }),
};

/** Only the requested fields are present. */
const scriptSchema = Type.Partial(
  Type.Object({
    ...kept,
    interpreter: Type.String(),
    is_sudo: Type.Boolean(),
    cwd: Type.String(),
    script: Type.String(),
    ...last,
  }),
  { $id: 'LibraryScript' },
);
const commandSchema = Type.Partial(Type.Object({ ...kept, cmd: Type.String(), ...last }), {
  $id: 'LibraryCommand',
});

interface CommonBody {
  readonly name: string;
  readonly tags?: readonly string[] | null;
  readonly timeout_sec?: number;
}

interface ScriptBody extends CommonBody {
  readonly interpreter?: string;
  readonly is_sudo?: boolean;
  readonly cwd?: string;
  readonly script: string;
}

interface CommandBody extends CommonBody {
  readonly cmd: string;
}

const readCommon = ({ name, tags = null, timeout_sec: timeout = 0 }: CommonBody) => ({
  name,
  tags,
  timeoutSec: timeout === 0 ? DEFAULT_TIMEOUT_SECONDS : timeout,
});

interface Described<Entry extends LibraryEntry> {
  readonly kind: LibraryKind<Entry>;
  readonly tag: string;
  readonly permission: Permission;
  /** Below `/library`. */
  readonly path: string;
  readonly pathId: string;
  readonly body: TSchema;
  readonly answer: TSchema;
  readInput(body: unknown): LibraryInput<Entry>;
  shelf(context: ApiContext): Shelf<Entry>;
}

function shelfRoutes<Entry extends LibraryEntry>(described: Described<Entry>): readonly Route[] {
  const { kind, tag, pathId, answer, shelf } = described;
  const { noun, resource } = kind;
  const path = `/library/${described.path}`;
  const onePath = `${path}/{${pathId}}`;
  const access: Access = { kind: 'user', permission: described.permission };
  const forbidden = `The caller has no permission for ${resource}`;
  const columns = Object.keys(kind.columns(() => ''));
  const fieldSupport = { [resource]: kind.fields };
  const support: ListSupport = {
    sorts: columns,
    filters: columns,
    fields: fieldSupport,
    page: { defaultLimit: 20, maxLimit: 100 },
  };

  const shown = (stored: Stored<Entry>, fields?: readonly string[]): Readonly<Record<string, unknown>> => {
    const all = kind.toJson(stored);
    if (fields === undefined) return all;
    return Object.fromEntries(Object.entries(all).filter(([key]) => fields.includes(key)));
  };
  /** For the audit log: as it was understood. */
  const asked = ({ given, text }: LibraryInput<Entry>): Readonly<Record<string, unknown>> => {
    const entry = { ...given, id: '', createdBy: '', createdAt: '', updatedBy: '', updatedAt: '' };
    const keys = Object.keys((described.body as { properties: object }).properties);
    const all = kind.toJson({ entry: entry as unknown as Entry, text });
    return Object.fromEntries(keys.map((key) => [key, all[key]]));
  };
  const idOf = ({ params }: ApiRequest): string => params[pathId] ?? '';
  const caller = ({ principal }: ApiRequest): string => {
    if (principal === null) throw new AppError('unauthorized', { title: 'unauthorized access' });
    return principal.username;
  };
  const application = `library.${noun}`;

  return [
    {
      method: 'GET',
      path,
      access,
      docs: {
        tag,
        summary: `List the ${resource} of the library`,
        description:
          'In the order of creation unless asked otherwise. In filters that look at `tags`, letter case never counts, ' +
          'and with `and(…)` around the values every one must match.',
        query: listParameters(support, 'stored'),
        errors: { 400: 'Unsupported sort, filter or field, or a page out of range', 403: forbidden },
      },
      responses: { 200: Type.Array(answer) },
      async handler(request, context) {
        const options = readListOptions(request.query, support);
        const fields = options.fields[resource];
        const { items, count } = await shelf(context).list(options, fields);
        return { status: 200, data: items.map((stored) => shown(stored, fields)), meta: { count } };
      },
    },
    {
      method: 'POST',
      path,
      access,
      docs: {
        tag,
        summary: `Add a ${noun} to the library`,
        errors: {
          400: `Missing or invalid body, or no \`name\` or \`${kind.textKey}\``,
          403: forbidden,
          409: `There is a ${noun} of that name`,
        },
      },
      audit: { application, action: 'create' },
      body: described.body,
      responses: { 201: answer },
      async handler(request, context) {
        const input = described.readInput(request.body);
        const data = shown(await shelf(context).add(input, caller(request)));
        return {
          status: 201,
          data,
          audit: { affectedId: String(data.id), request: asked(input), response: data },
        };
      },
    },
    {
      method: 'GET',
      path: onePath,
      access,
      docs: {
        tag,
        summary: `Show one ${noun} of the library`,
        query: fieldsParameters(fieldSupport),
        errors: { 400: 'Unsupported field', 403: forbidden, 404: `There is no ${noun} of that id` },
      },
      responses: { 200: answer },
      handler(request, context) {
        const fields = readFields(request.query, fieldSupport)[resource];
        return { status: 200, data: shown(shelf(context).show(idOf(request)), fields) };
      },
    },
    {
      method: 'PUT',
      path: onePath,
      access,
      docs: {
        tag,
        summary: `Replace a ${noun} of the library`,
        description: 'What the body does not give is empty afterwards. Who created it, and when, stays.',
        errors: {
          400: `Missing or invalid body, or no \`name\` or \`${kind.textKey}\``,
          403: forbidden,
          404: `There is no ${noun} of that id`,
          409: `There is another ${noun} of that name`,
        },
      },
      audit: { application, action: 'update' },
      body: described.body,
      responses: { 200: answer },
      async handler(request, context) {
        const input = described.readInput(request.body);
        const id = idOf(request);
        const data = shown(await shelf(context).replace(id, input, caller(request)));
        return { status: 200, data, audit: { affectedId: id, request: asked(input), response: data } };
      },
    },
    {
      method: 'DELETE',
      path: onePath,
      access,
      docs: {
        tag,
        summary: `Delete a ${noun} of the library`,
        errors: { 403: forbidden, 404: `There is no ${noun} of that id` },
      },
      audit: { application, action: 'delete' },
      responses: { 204: null },
      async handler(request, context) {
        const id = idOf(request);
        await shelf(context).remove(id);
        return { status: 204, empty: true, audit: { affectedId: id } };
      },
    },
  ];
}

export const libraryRoutes: readonly Route[] = [
  ...shelfRoutes({
    kind: scriptKind,
    tag: 'Script Library',
    permission: 'scripts',
    path: 'scripts',
    pathId: 'script_value_id',
    body: scriptBody,
    answer: scriptSchema,
    shelf: ({ library }) => library.scripts,
    readInput(body) {
      const { script, interpreter = '', is_sudo: isSudo = false, cwd = '', ...rest } = body as ScriptBody;
      return { given: { ...readCommon(rest), interpreter, isSudo, cwd }, text: script };
    },
  }),
  ...shelfRoutes({
    kind: commandKind,
    tag: 'Command Library',
    permission: 'commands',
    path: 'commands',
    pathId: 'command_value_id',
    body: commandBody,
    answer: commandSchema,
    shelf: ({ library }) => library.commands,
    readInput(body) {
      const { cmd, ...rest } = body as CommandBody;
      return { given: readCommon(rest), text: cmd };
    },
  }),
];
