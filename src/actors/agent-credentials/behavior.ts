/** Changes of agent credentials, one after the other in the whole process. Spec 03 §8.2. */

import { checkWritable, findCredential } from '../../auth/agents/agent-credentials.js';
import type { CredentialSource } from '../../auth/agents/credential-source.js';
import { unknownCredential } from '../../auth/agents/refusals.js';
import type { ServerConfig } from '../../config/types.js';
import { AppError } from '../../errors.js';
import type { Logger } from '../../logging/logger.js';
import type { Milliseconds } from '../../time.js';
import { askActor, refuse } from '../ask.js';
import { REGISTRAR, type RegistrarMessage } from '../registrar/messages.js';
import type { ActorContext, ActorRef, ActorSystem, Behavior } from '../runtime/types.js';
import { AGENT_CREDENTIALS_TOPIC, type AgentCredentialsMessage, agentCredentialsRef } from './messages.js';

/** Changes are rare; more than this at once is a mistake or an attack. */
const WAITING_LIMIT = 100;
/** The registrar gives up after 30 s and one more try. */
const REVOKE_TIMEOUT: Milliseconds = 60_000;
const NO_REGISTRAR = 'clients cannot be disconnected at the moment';

export interface AgentCredentialsArgs {
  /** Of the present configuration. */
  readonly credentials: CredentialSource;
  readonly server: Pick<ServerConfig, 'authWrite'>;
  readonly log: Pick<Logger, 'info' | 'error'>;
}

interface State extends AgentCredentialsArgs {
  last: Promise<void>;
  waiting: number;
}

type Context = ActorContext<AgentCredentialsMessage>;

const behavior: Behavior<AgentCredentialsMessage, State, AgentCredentialsArgs> = {
  kind: agentCredentialsRef.kind,
  preStart: (_ctx, args) => ({ ...args, last: Promise.resolve(), waiting: 0 }),
  receive(ctx, state, message, sender) {
    if (state.waiting >= WAITING_LIMIT) return refuse(sender, new AppError('overloaded'));
    state.waiting += 1;
    state.last = state.last
      .then(() => (message.type === 'add' ? add(ctx, state, message) : remove(ctx, state, message)))
      .then(
        () => sender.reply(),
        (error: unknown) => {
          if (!(error instanceof AppError)) state.log.error(`client credentials: ${reasonOf(error)}`);
          refuse(sender, error);
        },
      )
      .finally(() => {
        state.waiting -= 1;
      });
  },
  /** A change that has begun is finished. */
  postStop: (_ctx, state) => state.last,
};

type Of<Type extends AgentCredentialsMessage['type']> = Extract<AgentCredentialsMessage, { type: Type }>;

async function add(ctx: Context, state: State, { credential }: Of<'add'>): Promise<void> {
  checkWritable(state.credentials, state.server);
  await state.credentials.add(credential);
  await tellAll(ctx, state);
  state.log.info(`client auth id ${JSON.stringify(credential.id)} was added`);
}

async function remove(ctx: Context, state: State, { id, force }: Of<'remove'>): Promise<void> {
  const { credentials, log } = state;
  checkWritable(credentials, state.server);
  if ((await findCredential(credentials, id)) === undefined) throw unknownCredential(id);
  const message: RegistrarMessage = { type: 'revoke', authId: id, force };
  let deleted = false;
  try {
    // Whoever has logged in with it but is no client yet is not going to be one.
    const clients = await askActor<number>(ctx.system, REGISTRAR, message, REVOKE_TIMEOUT, NO_REGISTRAR);
    await credentials.remove(id);
    await tellAll(ctx, state);
    deleted = true;
    log.info(`client auth id ${JSON.stringify(id)} was deleted, and ${clients} clients with it`);
  } finally {
    const outcome: RegistrarMessage = { type: 'revoked', authId: id, deleted };
    ctx.system.tell(REGISTRAR, outcome);
  }
}

async function tellAll({ system }: Context, { credentials }: State): Promise<void> {
  credentials.forget();
  system.publish(AGENT_CREDENTIALS_TOPIC, null);
  await system.published();
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Starts the actor; main does it once, after the registrar and before the shards. */
export function spawnAgentCredentials(system: ActorSystem, args: AgentCredentialsArgs): ActorRef {
  return system.spawn(behavior, agentCredentialsRef.id, args, { epoch: 1 });
}
