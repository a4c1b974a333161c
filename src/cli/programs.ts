/** The ten programs as commands. */
import { hostname } from 'node:os';
import type { Command } from 'commander';
import {
  add,
  framingOption,
  hostOption,
  integer,
  maxPendingOption,
  maxPendingTotalOption,
  PORT,
  PORT_OR_FREE,
  seconds,
  selectorOption,
} from './options.js';
import { runProgram, serve } from './run.js';

export function addPrograms(program: Command): void {
  addSelectServer(program);
  addSrv(program);
  addTalkServer(program);
  addChatserver(program);
  addMulticonn(program);
}

function addSelectServer(program: Command): void {
  add(program, 'select-server', 'prints who connects, what they send, and who leaves')
    .argument('[port]', 'port to listen on, 0 for a free one', integer(...PORT_OR_FREE), 3490)
    .addOption(hostOption())
    .option('--literal', 'on fd_sets, as a C program: FD_SET, select, FD_ISSET')
    .action((port, { literal, ...options }) =>
      serve(
        program,
        literal ? 'select-server-literal' : 'select-server',
        { port, ...options },
        (host, port) => `select-client alice ${host} ${port}`,
      ),
    );

  add(program, 'select-client', 'sends random letters to select-server, every few seconds')
    .argument('<prefix>', 'goes before each message, to tell the clients apart')
    .argument('<host>', 'host that the server runs on')
    .argument('<port>', 'port that the server listens on', integer(...PORT))
    .option('--count <n>', 'ends after so many messages', integer(1, Number.MAX_SAFE_INTEGER))
    .option('--interval <seconds>', 'pause between two messages (default: 1 to 5 at random)', seconds)
    .action((prefix, host, port, options) =>
      runProgram(
        program,
        'select-client',
        { prefix, host, port, ...options },
        { serverCommand: `select-server ${port}` },
      ),
    );
}

function addSrv(program: Command): void {
  add(program, 'srv', 'a chat: what one says, all others get')
    .argument('<host>', 'address to listen on')
    .argument('<port>', 'port to listen on, 0 for a free one', integer(...PORT_OR_FREE))
    .addOption(framingOption())
    .addOption(maxPendingOption())
    .addOption(maxPendingTotalOption())
    .action((host, port, options) =>
      serve(program, 'srv', { host, port, ...options }, (host, port) => {
        return `cli ${host} ${port}${options.framing === 'line' ? ' --framing line' : ''}`;
      }),
    );

  add(program, 'cli', "srv's client")
    .argument('<host>', 'host that the server runs on')
    .argument('<port>', 'port that the server listens on', integer(...PORT))
    .addOption(framingOption())
    .action((host, port, options) =>
      runProgram(program, 'cli', { host, port, ...options }, { serverCommand: `srv ${host} ${port}` }),
    );
}

function addTalkServer(program: Command): void {
  add(program, 'talk-server', 'relays what each client sends to all others, and knows who they are')
    .option('-p, --port <port>', 'port to listen on, 0 for a free one', integer(...PORT_OR_FREE), 12345)
    .option('-v, --verbose', 'says what it does', false)
    .addOption(hostOption())
    .addOption(maxPendingOption())
    .addOption(maxPendingTotalOption())
    .action((options) =>
      serve(program, 'talk-server', options, (host, port) => `talk-client -s ${host} -p ${port}`),
    );

  add(program, 'talk-client', "talk-server's client")
    .option('-n, --name <name>', 'your name', hostname())
    .option('-s, --server <host>', 'host that the server runs on', '127.0.0.1')
    .option('-p, --port <port>', 'port that the server listens on', integer(...PORT), 12345)
    .option('-v, --verbose', 'says what it does', false)
    .action((options) =>
      runProgram(program, 'talk-client', options, { serverCommand: `talk-server -p ${options.port}` }),
    );
}

function addChatserver(program: Command): void {
  add(program, 'chatserver', 'a chat whose users have names')
    .argument('[port]', 'port to listen on, 0 for a free one', integer(...PORT_OR_FREE), 5555)
    .addOption(hostOption())
    .addOption(maxPendingOption())
    .addOption(maxPendingTotalOption())
    .action((port, options) =>
      serve(program, 'chatserver', { port, ...options }, (host, port) => `chatclient ${host} ${port}`),
    );

  add(program, 'chatclient', "chatserver's client")
    .argument('[host]', 'host that the server runs on', 'localhost')
    .argument('[port]', 'port that the server listens on', integer(...PORT), 5555)
    .action((host, port) =>
      runProgram(program, 'chatclient', { host, port }, { serverCommand: `chatserver ${port}` }),
    );
}

function addMulticonn(program: Command): void {
  add(program, 'multiconn-server', 'echoes what each of its clients sends')
    .argument('<host>', 'address to listen on')
    .argument('<port>', 'port to listen on, 0 for a free one', integer(...PORT_OR_FREE))
    .addOption(selectorOption())
    .addOption(maxPendingOption())
    .addOption(maxPendingTotalOption())
    .action((host, port, options) =>
      serve(
        program,
        'multiconn-server',
        { host, port, ...options },
        (host, port) => `multiconn-client ${host} ${port} 2`,
      ),
    );

  add(program, 'multiconn-client', 'sends two messages on each of many connections to multiconn-server')
    .argument('<host>', 'host that the server runs on')
    .argument('<port>', 'port that the server listens on', integer(...PORT))
    .argument('<num_conns>', 'how many connections', integer(1, 65535))
    .addOption(selectorOption())
    .action((host, port, numConns, options) =>
      runProgram(program, 'multiconn-client', { host, port, numConns, ...options }),
    );
}
