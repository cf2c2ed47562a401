/** Tags and labels of a connected client. Spec 03 §4.6 and §4.7. */

import Type, { type TSchema } from 'typebox';
import { askActor } from '../../actors/ask.js';
import { type ClientMessage, clientRef } from '../../actors/client/messages.js';
import { attributesTrouble, type ClientAttributes } from '../../clients/attributes.js';
import { AppError } from '../../errors.js';
import { goQuote } from '../../go/quote.js';
import type { ClientId } from '../../ids.js';
import type { Milliseconds } from '../../time.js';
import { auditedClient, connectedClient } from '../connected-client.js';
import { type BodySchema, decodeBody, JsonTypeError } from '../json/decode.js';
import { JsonSyntaxError, parseWholeJson } from '../json/parse.js';
import type { Access, Route } from '../route.js';

const TAG = 'Clients and Tunnels';
const PATH = '/clients/{client_id}/attributes';
const anyWithAccess: Access = { kind: 'user', client: true };
/** The agent has 30 s to agree, then the record goes to the disk. */
const TIMEOUT: Milliseconds = 60_000;

const tags = Type.Union([Type.Array(Type.String()), Type.Null()]);
const labels = Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()]);
const attributesBody: TSchema = Type.Object(
  { tags: Type.Optional(tags), labels: Type.Optional(labels) },
  { additionalProperties: true, description: 'What is missing is cleared; other keys are ignored' },
);

const missingTitle = (id: ClientId): string => `Active client with id=${goQuote(id)} not found.`;

const showAttributes: Route = {
  method: 'GET',
  path: PATH,
  access: anyWithAccess,
  docs: {
    tag: TAG,
    summary: 'Show tags and labels of a connected client',
    errors: { 404: 'The client is unknown or not connected' },
  },
  responses: { 200: Type.Object({ tags, labels }) },
  handler(request, context) {
    const { tags: known, labels: named } = connectedClient(request, context, missingTitle);
    return { status: 200, data: { tags: known, labels: named } };
  },
};

const setAttributes: Route = {
  method: 'PUT',
  path: PATH,
  access: anyWithAccess,
  audit: { application: 'client', action: 'update' },
  docs: {
    tag: TAG,
    summary: 'Replace tags and labels of a connected client',
    description:
      'The client keeps them in the file its `attributes_file_path` names, and refuses when it has none. Answers when ' +
      'the client has agreed and the change is stored.',
    ownBody: attributesBody,
    errors: {
      400: 'Missing or invalid body',
      404: 'The client is unknown or not connected',
      409: 'The client refuses',
      500: 'The client could not be asked',
    },
  },
  responses: { 200: Type.Literal('ok') },
  async handler(request, context) {
    const client = connectedClient(request, context, missingTitle);
    const { id } = client;
    const attributes = readAttributes(request.rawBody);
    const message: ClientMessage = { type: 'set-attributes', attributes };
    await askActor(context.actors, clientRef(id), message, TIMEOUT, missingTitle(id));
    return {
      status: 200,
      data: 'ok',
      audit: { affectedId: id, ...auditedClient(client), request: attributes },
    };
  },
};

export const clientAttributesRoutes: readonly Route[] = [showAttributes, setAttributes];

/** The whole body must be one JSON value. Throws `AppError` 400. */
function readAttributes(bytes: Buffer): ClientAttributes {
  try {
    const node = parseWholeJson(bytes.toString('utf8'));
    const given = decodeBody(node, attributesBody as BodySchema) as Partial<ClientAttributes>;
    const attributes = { tags: given.tags ?? null, labels: given.labels ?? null };
    const trouble = attributesTrouble(attributes);
    if (trouble !== undefined) throw refusal(trouble);
    return attributes;
  } catch (error) {
    if (error instanceof JsonSyntaxError || error instanceof JsonTypeError) throw refusal(error.message);
    throw error;
  }
}

const refusal = (reason: string): AppError =>
  new AppError('bad_request', { title: `failed parsing attributes: ${reason}` });
