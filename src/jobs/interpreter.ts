/** Which interpreters a command may name. Spec 04 §8. Those of scripts are up to the client. */

/** `null`, or what is wrong with it. */
export function interpreterProblem(interpreter: string): string | null {
  switch (interpreter) {
    case '':
    case 'cmd':
    case 'powershell':
      return null;
    case 'tacoscript':
      return "tacoscript interpreter can't be used for commands execution";
    default:
      return `expected interpreter to be one of: [cmd powershell tacoscript], actual: ${interpreter}`;
  }
}
