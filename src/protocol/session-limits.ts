/** Bounds of one agent connection. Every queue an agent can fill has one here. */

import type { Milliseconds } from '../time.js';

/** Window per channel and direction, as the Go library has it (spec 01 §10.1). */
export const WINDOW_BYTES = 2 * 1024 * 1024;
/** Largest data message, both ways; agents close the connection on a larger one. */
export const DATA_BYTES = 32 * 1024;
/** Smallest bound for data messages an agent may set; they all say 32 KiB. Each message costs, however small. */
export const MIN_DATA_BYTES = 1024;
/** Credit is given back in steps of a quarter of the window: four messages for all of it instead of one per read. */
export const CREDIT_STEPS = 4;
/** A window can not grow beyond this (RFC 4254 §5.2). */
export const MAX_WINDOW_BYTES = 2 ** 32 - 1;

/** Largest request that agents can read: 256 KiB per packet with framing, rounded down (spec 01 §4.5). */
export const MAX_REQUEST_BYTES = 261_000;

/**
 * Requests and opens an agent takes in before its reader stops and every channel with it is 16 (spec 01
 * §5.2); half of it stays free for what it does on its own.
 */
export const MAX_OPENS_IN_FLIGHT = 8;
/** Opens that wait for one of those places. */
export const MAX_OPENS_WAITING = 1024;
/** Requests to the agent that wait for the one before. */
export const MAX_REQUESTS_WAITING = 256;

/** Requests of the agent that wait for a receiver or for our answer. */
export const MAX_REQUESTS_UNANSWERED = 128;
export const MAX_UNANSWERED_BYTES = 40 * 1024 * 1024;

/** Channels an agent may have open on its own account: two output streams per running command. */
export const MAX_INCOMING_CHANNELS = 256;

/** Type-specific data of an incoming channel: a job as we sent it, at most. */
export const MAX_OPEN_BYTES = 512 * 1024;

/** How long `close` of a channel waits for the agent to take what is queued. */
export const CHANNEL_LINGER: Milliseconds = 30_000;
/** All an agent sends up to its password: some 2 KiB. Each byte costs time, and may cost an answer. */
export const MAX_STRANGER_BYTES = 256 * 1024;
/**
 * Bytes the agent does not take. Channels and requests stop far below; only answers to an agent that asks without
 * reading get here.
 */
export const MAX_UNREAD_BYTES = 8 * 1024 * 1024;

/** How long a DISCONNECT message may take to leave. */
export const DISCONNECT_GRACE: Milliseconds = 1_000;
