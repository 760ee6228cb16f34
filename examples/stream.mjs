// node examples/stream.mjs [http://127.0.0.1:9753]: the groups that use most CPU now, in cores. It needs "ws" and nothing of cgctl.
import { WebSocket } from 'ws';

const url = new URL('/api/v1/stream', process.argv[2] ?? 'http://127.0.0.1:9753');
const socket = new WebSocket(url.href.replace('http', 'ws'));
let [rows, cores] = [[], []];

socket.on('open', () => socket.send('{"type":"subscribe","columns":["cpu_usage_seconds_total"],"events":false}'));
socket.on('close', (code, reason) => console.log(`closed: ${code} ${reason}`));
socket.on('message', (text) => {
  const message = JSON.parse(text);
  if (message.type === 'snapshot') [rows, [cores]] = [message.rows, message.values];
  else if (message.type === 'delta') merge(message);
  else return;
  const order = rows.map((_, at) => at).sort((a, b) => cores[b] - cores[a]);
  for (const at of order.slice(0, 5)) console.log((cores[at] ?? 0).toFixed(3), JSON.stringify(rows[at].id));
  console.log();
});

/** Rows leave, others are added, then figures change. */
function merge({ gone, rows: added, values: [change] }) {
  const stays = (_, at) => !gone.includes(at);
  rows = [...rows.filter(stays), ...added];
  cores = [...cores.filter(stays), ...added.map(() => null)];
  if (Array.isArray(change)) cores = change;
  else if (change !== null) for (const [i, at] of change.at.entries()) cores[at] = change.to[i];
}
