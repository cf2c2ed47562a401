/** What groups may have as restrictions, for the description of the API. Spec 02 §15.2. */

import Type from 'typebox';

const texts = (description: string) => Type.Optional(Type.Array(Type.String(), { description }));
const flag = (description: string) => Type.Optional(Type.Boolean({ description }));
const range = (description: string) =>
  Type.Optional(
    Type.Object(
      {
        min: Type.Optional(Type.String({ description: 'Such as `5m`; bare numbers are minutes' })),
        max: Type.Optional(Type.String()),
      },
      { description },
    ),
  );

/** `-` and `_` are the same in these keys. */
export const tunnelsRestrictedSchema = Type.Object(
  {
    local: texts('Ports that may be asked for on the server'),
    remote: texts('Ports, or host:port, that tunnels may lead to'),
    scheme: texts('Schemes that tunnels may have'),
    acl: texts('Addresses that may be let in'),
    protocol: texts('`tcp`, `udp`, `tcp+udp`'),
    'idle-timeout-minutes': range('How long a tunnel may be idle'),
    'auto-close': range('How long a tunnel may live'),
    'skip-idle-timeout': flag('False: every tunnel has an idle timeout'),
    http_proxy: flag('False: no HTTP proxy'),
    host_header: Type.Optional(Type.String({ description: 'Regular expression' })),
    auth_allowed: flag('False: no user and password in front of a tunnel'),
    terminate_foreign_tunnels: flag('False: only own tunnels may be ended'),
  },
  { additionalProperties: true, description: 'Restrictions of tunnels' },
);

export const commandsRestrictedSchema = Type.Object(
  {
    allow: texts('Regular expressions, one of which a command must match'),
    deny: texts('Regular expressions, none of which a command may match'),
    is_sudo: flag('False: not as root'),
  },
  { additionalProperties: true, description: 'Restrictions of commands' },
);
