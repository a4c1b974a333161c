/** What the guide's reader is asked to write at its end: nicks, private messages. Only with what the guide has. */
import { select } from 'posix-select';
import { Lines } from 'posix-select/lines';
import { Listener } from 'posix-select/listener';
import { Outbox } from 'posix-select/outbox';
import { recvOrEof } from 'posix-select/peer';
import { print, warn } from 'posix-select/terminal';

class Client {
  lines = new Lines();
  constructor(conn, nick) {
    this.conn = conn;
    this.nick = nick;
  }
  fileno() {
    return this.conn.fileno();
  }
}

export function main(args, stop, listening) {
  const listener = new Listener(['127.0.0.1', args.port]);
  const clients = new Set();
  const outbox = new Outbox();
  let guests = 0;
  const send = (client, text) => outbox.send(client, Buffer.from(`${text}\n`));
  const sendToOthers = (client, text) => {
    for (const c of clients) if (c !== client) send(c, text);
  };
  const named = (nick) => [...clients].find((c) => c.nick === nick);

  function onConnect(conn) {
    const client = new Client(conn, `guest${++guests}`);
    clients.add(client);
    send(client, `welcome, ${client.nick}`);
    sendToOthers(client, `${client.nick} has joined`);
  }
  function onReadable(client) {
    const data = recvOrEof(client.conn, 4096);
    for (const line of client.lines.push(data)) if (clients.has(client)) onLine(client, String(line).trim());
    if (data.length === 0) onLeave(client);
  }
  const COMMANDS = {
    nick(client, [nick]) {
      if (!nick) return send(client, 'usage: /nick NAME');
      if (named(nick)) return send(client, `${nick} is in use`);
      const before = client.nick;
      client.nick = nick;
      for (const c of clients) send(c, `${before} is now ${nick}`);
    },
    msg(client, [nick, ...words]) {
      const to = named(nick);
      if (!to) return send(client, `no such nick: ${nick}`);
      send(to, `*${client.nick}* ${words.join(' ')}`);
    },
    quit(client) {
      send(client, 'bye');
      onLeave(client);
    },
  };
  function onLine(client, text) {
    if (text === '') return;
    if (!text.startsWith('/')) return sendToOthers(client, `<${client.nick}> ${text}`);
    const [name, ...rest] = text.slice(1).split(' ');
    if (!Object.hasOwn(COMMANDS, name)) return send(client, `unknown command: /${name}`);
    COMMANDS[name](client, rest);
  }
  function onLeave(client) {
    clients.delete(client);
    outbox.close(client);
    sendToOthers(client, `${client.nick} has left`);
    print(`${client.nick} has left`);
  }
  listening(listener.getsockname());
  while (true) {
    const [readable, writable] = select([stop, listener, ...clients], outbox.wlist, []);
    if (readable.includes(stop)) break;
    for (const client of writable) outbox.flush(client);
    for (const s of readable) {
      if (s === listener) for (const [conn] of listener.acceptAll()) onConnect(conn);
      if (clients.has(s)) onReadable(s);
    }
    for (const [client, reason] of outbox.lost) {
      warn(`${client.nick}: ${reason}`);
      onLeave(client);
    }
  }
  listener.close();
  for (const { conn } of clients) conn.close();
  outbox.closeAll();
  return 0;
}
