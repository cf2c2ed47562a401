/** Whether an agent takes files, by its own configuration. Spec 04 §16.6. */

/** What an agent that takes none answers; said without asking it. */
export const RECEPTION_DISABLED =
  'uploads are disabled on this client, check [file-reception] enabled option';

/** @param configuration JSON text as the agent sent it; agents that sent none, or other things, are asked */
export function takesFiles(configuration: string | null): boolean {
  if (configuration === null) return true;
  try {
    const parsed = JSON.parse(configuration) as { readonly file_reception?: { readonly enabled?: unknown } };
    return parsed?.file_reception?.enabled !== false;
  } catch {
    return true;
  }
}
