/** One run of a student's program, with its clients: what a check works with. */
import { createServer, type Server } from 'node:net';
import { UserError } from '../user-error.js';
import { Client } from './client.js';
import * as expect from './expect.js';
import type { Details, Finding } from './failure.js';
import { fail } from './fault.js';
import { HINTS, hintForCall } from './hints.js';
import { freePort, holdPort, listening, untilUnused } from './ports.js';
import { Running } from './running.js';
import { listenQueue } from './socket-queues.js';
import { foundPortInUse, untilConnected, untilListening } from './starting.js';

export type { RunOptions } from './running.js';

/** How often a program is started whose port is in use. */
const MAX_STARTS = 4;

export class Run extends Running {
  #server?: Server;
  #isConnecting = false;
  /** Gives free the port that several runs may want. */
  #release = () => {};

  /**
   * Starts the program and waits until it listens. One that finds its port in use is started again: another program may
   * have taken the port meanwhile, or another run of one that takes the same port whatever it is told.
   *
   * @throws Failure
   */
  async startServer(args?: string[], port?: number): Promise<void> {
    for (let starts = 1; ; starts++) {
      await this.start(args, port);
      try {
        await untilListening(this);
        break;
      } catch (err) {
        if (starts === MAX_STARTS || !foundPortInUse(this)) throw err;
      }
      await this.stop();
      const { usualPort } = this.options;
      if (usualPort !== undefined) this.#release = await holdPort(usualPort);
      await untilUnused([usualPort, port].flatMap((one) => one ?? []));
    }
    this.hasStarted = true;
  }

  /** Listens itself, starts the program and waits until it connects. @throws Failure; OSError when the port is in use */
  async acceptClient(): Promise<Client> {
    let client: Client | undefined;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      client ??= this.addClient(new Client(socket));
      this.wake();
    });
    const port = this.options.port ?? (await freePort());
    await listening(this.#server, port);
    await this.start(undefined, port);
    const connected = await untilConnected(this, () => client);
    this.hasStarted = true;
    return connected;
  }

  /** Connects a client to the server. @param isNarrow with small buffers @throws Failure */
  async connect(name = 'a client', isNarrow = false): Promise<Client> {
    void this.program; // it must have been started
    const attempt = new AbortController();
    let client: Client | undefined;
    let code: string | undefined;
    const connect = isNarrow ? Client.connectNarrow : Client.connect;
    const done = connect(this.host, this.port, attempt.signal).then(
      (connected) => (client = this.addClient(connected)),
      (err: NodeJS.ErrnoException) => (code = err.code ?? err.message),
    );
    this.#isConnecting = true;
    await this.until(() => client ?? code);
    this.#isConnecting = false;
    const queue = listenQueue(this);
    attempt.abort();
    await done;
    if (client) return Object.assign(client, { name });
    await this.settle(); // it may be about to end
    const isFull = queue !== undefined && queue.waiting > queue.most;
    if (code === 'ETIMEDOUT' && queue && !isFull && this.isRunning)
      throw new UserError(
        `no connection to port ${this.port} came about here, though its listen queue has room: is the machine very busy?`,
      );
    return this.fail({
      expected: `a client can connect to port ${this.port}`,
      seen:
        code !== 'ETIMEDOUT'
          ? `connect() failed: ${code}`
          : isFull
            ? 'the listen queue is full'
            : 'no connection came about',
      hint: code === 'ECONNREFUSED' ? HINTS.refused : hintForCall('other'),
    });
  }

  /** A connection too: unless the listen queue is full, it will come about. */
  protected override isSomethingOnItsWay(): boolean {
    const queue = this.#isConnecting ? listenQueue(this) : undefined;
    return (queue && queue.waiting <= queue.most) || super.isSomethingOnItsWay();
  }

  /** Fails the check: what was expected, what was seen, a hint. If the program has ended, that is what was seen. */
  fail(finding: Finding, details?: Details): Promise<never> {
    return fail(this, finding, details);
  }

  prints(...args: expect.PrintsArgs): Promise<string> {
    return expect.prints(this, ...args);
  }

  receives(...args: expect.ReceivesArgs): Promise<string> {
    return expect.receives(this, ...args);
  }

  hears(...args: expect.HearsArgs): Promise<string> {
    return expect.hears(this, ...args);
  }

  /** Ends what runs, at once; a check may then start the program anew. */
  override async stop(): Promise<void> {
    this.#server?.close();
    await super.stop();
    this.#release();
    this.#release = () => {};
  }

  /** Ends the run. @param gently by Ctrl-C: how the program takes that is worth a note */
  async end(gently: boolean): Promise<void> {
    if (this.isRunning && gently) {
      await this.pauses(); // a process that is being made would not get the signal
      const { isIgnored, leftBehind } = await this.interrupt();
      for (const name of leftBehind) this.notes.push(`it left a process behind: ${name}`);
      if (isIgnored) this.notes.push('Ctrl-C (SIGINT) did not end it: it had to be killed');
    }
    await this.stop();
  }
}
