/** Branded identifiers. A plain string becomes one only through the constructors below. */

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** Identifier of an rport agent ("client"), chosen by the agent or generated here. Spec 01 §6.5. */
export type ClientId = Branded<'ClientId'>;
/** Decimal counter of a tunnel, unique within one client. Spec 05 §2.3. */
export type TunnelId = Branded<'TunnelId'>;
/** UUID v4 of a job, or of a multi-job. Spec 04 §3.1. */
export type JobId = Branded<'JobId'>;
/** UUID v4. Spec 04 §15.1. */
export type ScheduleId = Branded<'ScheduleId'>;

export const clientId = (text: string): ClientId => text as ClientId;
export const tunnelId = (text: string): TunnelId => text as TunnelId;
export const jobId = (text: string): JobId => text as JobId;
export const scheduleId = (text: string): ScheduleId => text as ScheduleId;
