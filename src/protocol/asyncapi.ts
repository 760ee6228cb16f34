/** The stream as an AsyncAPI document, made of the schemas that its messages are held to. */
import * as z from 'zod';
import { CLOSE, STREAM_PROTOCOL, STREAM_VERSION } from './stream.ts';
import { clientMessage, serverMessages } from './stream-schema.ts';

const SUMMARIES: Readonly<Record<string, string>> = {
  subscribe: 'Start to receive a table, or change what is received',
  unsubscribe: 'Receive it no longer',
  ask_history: 'Ask for figures of the last minutes',
  token: 'The first message where the service is locked',
  locked: 'In place of the first message: the service waits for the token',
  hello: 'The first message',
  snapshot: 'The whole table',
  delta: 'What changed of it',
  bookmark: 'The service looked, and the table is the same',
  resync: 'A snapshot follows in place of what was left out',
  event: 'Something happened to a group',
  history: 'Figures of the last minutes',
  problem: 'What the client asked for cannot be',
};

/** @see https://www.asyncapi.com/docs/reference/specification/v3.0.0 */
export function asyncApi(): object {
  const asked = clientMessage.options.map((schema) => {
    const [type = ''] = schema.shape.type.values;
    return [type in serverMessages ? `ask_${type}` : type, message(type, schema, 'input')] as const;
  });
  const answers = Object.entries(serverMessages).map(
    ([type, schema]) => [type, message(type, schema, 'output')] as const,
  );
  const names = ([name]: readonly [string, unknown]) => name;
  const within = (name: string) => ({ $ref: `#/channels/stream/messages/${name}` });
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'The live stream of cgctl',
      version: `${STREAM_VERSION}.0.0`,
      description:
        'Cgroups and their figures as they change. docs/STREAM.md tells how the messages follow one another.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    servers: {
      local: {
        host: '127.0.0.1:9753',
        protocol: 'ws',
        description: 'Where `cgctl serve` listens unless told otherwise',
      },
    },
    channels: {
      stream: {
        address: '/api/v1/stream',
        description: `A WebSocket, each message a JSON text. Subprotocol (optional): ${STREAM_PROTOCOL}. Close codes: ${Object.entries(
          CLOSE,
        )
          .map(([name, code]) => `${code} ${name}`)
          .join(', ')}, 1009 too long.`,
        messages: Object.fromEntries(
          [...asked, ...answers].map(([name]) => [name, { $ref: `#/components/messages/${name}` }]),
        ),
      },
    },
    operations: {
      listen: { action: 'receive', channel: { $ref: '#/channels/stream' }, messages: asked.map(names).map(within) },
      tell: { action: 'send', channel: { $ref: '#/channels/stream' }, messages: answers.map(names).map(within) },
    },
    components: {
      messages: Object.fromEntries(
        [...asked, ...answers].map(([name, body]) => [name, { ...body, summary: SUMMARIES[name] }]),
      ),
    },
  };
}

function message(name: string, schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema, ...payload } = z.toJSONSchema(schema, { io, target: 'draft-7' });
  return { name, contentType: 'application/json', payload };
}
