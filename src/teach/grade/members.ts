/** The processes that come from a submission: to look at, to interrupt, to end. */
import type { ChildProcess } from 'node:child_process';
import { kill, pid as ownPid, platform } from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { sys } from '../../posix/sys.js';
import {
  family,
  hasVariable,
  newestId,
  ownerOf,
  type Process,
  pidNamespaceOf,
  processes,
  processIds,
  process as processOf,
  processOfThread,
  zombie,
} from '../observe/proc.js';

/** Whether what a submission leaves behind becomes this process's child. */
let adoptsOrphans: boolean | undefined;

/** Processes that come from no submission: each look at one takes time. */
export class Strangers {
  readonly ids: Set<number>;
  /** The newest process of all when they were listed; undefined where that cannot be seen. */
  newest: number | undefined;
  /** The new ids of the last looks. */
  #recent: number[][] = [];

  constructor({ ids, newest }: { ids: Iterable<number>; newest: number | undefined }) {
    this.ids = new Set(ids);
    this.newest = newest;
  }

  /**
   * Finds the processes that may be new, and takes those for strangers no more whose id may have come to another one.
   * Ids are given in ascending order, and from the smallest again after the largest. A process that is being made has
   * its id already, and cannot be seen yet: it is looked for a few times more.
   *
   * @param isThorough lists all processes
   * @returns the ids to look at: those of new threads are among them
   */
  renew(newest: number | undefined, isThorough: boolean, allIds = processIds): number[] {
    const before = this.newest;
    this.newest = newest;
    const isKnown = newest !== undefined && before !== undefined;
    const count = isKnown ? newest - before : -1;
    if (!isThorough && count >= 0 && count <= MAX_PROBED) {
      const ids = Array.from({ length: count }, (_, i) => (newest ?? 0) - i);
      for (const id of ids) this.ids.delete(id);
      this.#recent = [ids, ...this.#recent].slice(0, LOOKS);
      return this.#recent.flat();
    }
    const mayBeNew = (pid: number) => {
      if (!isKnown) return true;
      return newest >= before ? pid > before && pid <= newest : pid > before || pid <= newest;
    };
    const there = new Set(allIds());
    for (const pid of this.ids) if (!there.has(pid) || mayBeNew(pid)) this.ids.delete(pid);
    return [...there];
  }
}

/** So many new ids are looked at one by one: to list all processes takes as long. */
const MAX_PROBED = 32;

/** In so many looks, one after another. */
const LOOKS = 4;

/** Those that ran before the first submission. */
const elders = new Strangers({ ids: [], newest: undefined });

/** The first processes of the submissions that run. */
const roots = new Set<number>();

/** The processes that the grader has started and Node has not reaped yet: Node must do it, or it would not hear of their end. */
const started = new Set<number>();

/** For SIGKILL to end what there is; after that, what is left is named. */
export const KILL_LIMIT_MS = 5000;

export class Members {
  /** The submission's first process; in a namespace it is bubblewrap's. */
  readonly #root?: number;
  readonly #hasNamespace: boolean;
  readonly #variable: string;
  #pids = new Set<number>();
  /** The first process of the namespace, once it has been seen. */
  #first: number | undefined;
  readonly #strangers: Strangers;

  /** @param variable `NAME=value`, in the environment of all of them */
  constructor(child: ChildProcess, hasNamespace: boolean, variable: string) {
    const root = child.pid;
    this.#strangers = new Strangers(elders);
    this.#root = root;
    this.#hasNamespace = hasNamespace;
    this.#variable = variable;
    if (root === undefined) return;
    roots.add(root);
    started.add(root);
    child.once('exit', () => started.delete(root));
  }

  /**
   * Comes before a submission is started. Has orphans adopted, unless there are children already: theirs could not be
   * told from a submission's.
   */
  static prepare(): void {
    if (adoptsOrphans !== undefined || platform !== 'linux') return;
    elders.newest = newestId();
    const all = processes();
    for (const { pid } of all) elders.ids.add(pid);
    adoptsOrphans = !all.some(({ ppid }) => ppid === ownPid) && sys.adoptOrphans?.() === 0;
  }

  /** @param isThorough sees one, too, that is just being made */
  list(isThorough: boolean): Process[] {
    const all = this.#all(isThorough);
    const wrappers = this.#wrappers(all);
    return all.filter(({ pid }) => !wrappers.has(pid));
  }

  /** As Ctrl-C does: to the process group; to what su(1) and the like have started as another user, too. */
  interrupt(): void {
    const root = this.#root;
    if (root === undefined) return;
    if (this.#hasNamespace) {
      this.#interruptGroup(root);
      return;
    }
    const others = this.#handedOver(root);
    for (const { pid } of others) signalTo(-pid, 'SIGINT');
    if (others.length === 0) signalTo(-root, 'SIGINT');
  }

  /**
   * One by one, as bubblewrap is in the group, too. What a member was just making is there by the next look, or never: a
   * fork that a signal comes into begins anew.
   */
  #interruptGroup(root: number): void {
    const told = new Set<number>();
    for (let before = -1; before !== told.size; ) {
      before = told.size;
      for (const { pid, group } of this.list(true)) {
        if (group !== root || told.has(pid)) continue;
        told.add(pid);
        signalTo(pid, 'SIGINT');
      }
    }
  }

  /** @returns whether there was something left to kill, as far as that can be seen */
  kill(): boolean {
    const root = this.#root;
    if (root === undefined) return false;
    const all = this.#all(true);
    if (this.#hasNamespace) {
      // A namespace ends with its first process, all at once.
      for (const pid of [...this.#wrappers(all)].reverse()) signalTo(pid, 'SIGKILL');
    } else {
      for (const { pid } of all) signalTo(pid, 'SIGSTOP'); // a chain of forks is to be as long as it is
      for (const { pid } of this.#all(true)) signalTo(pid, 'SIGKILL');
      signalTo(-root, 'SIGKILL');
    }
    return all.length > 0;
  }

  /** It has ended: what is adopted from now on is not its own. */
  forget(): void {
    if (this.#root !== undefined) roots.delete(this.#root);
    reapOrphans();
  }

  /** Its descendants, its session, what carries its variable, and orphans of nobody else. */
  #all(isThorough: boolean): Process[] {
    if (platform !== 'linux' || this.#root === undefined) return [];
    this.#takeIn(this.#strangers.renew(newestId(), isThorough));
    const alive = [...this.#pids].flatMap((pid) => processOf(pid) ?? []);
    this.#pids = new Set(alive.map(({ pid }) => pid));
    return alive;
  }

  /** Only what is new has to be looked at: what is not a member does not become one, once it is known what members are. */
  #takeIn(pids: number[]): void {
    let unknown = pids
      .filter((pid) => !this.#pids.has(pid) && !this.#strangers.ids.has(pid))
      .flatMap((pid) => processOf(pid) ?? []);
    for (let isGrowing = true; isGrowing; ) {
      const members = unknown.filter((process) => this.#isMember(process) && isProcess(process.pid));
      isGrowing = members.length > 0;
      for (const { pid, ppid } of members) {
        this.#pids.add(pid);
        if (this.#hasNamespace && ppid === this.#root) this.#first ??= pid;
      }
      unknown = unknown.filter(({ pid }) => !this.#pids.has(pid));
    }
    if (this.#hasNamespace && this.#first === undefined) return;
    for (const { pid } of unknown) this.#strangers.ids.add(pid);
  }

  #isMember({ pid, ppid, session }: Process): boolean {
    const root = this.#root as number;
    if (pid === root || this.#pids.has(ppid) || session === root) return true;
    if (this.#hasNamespace) return this.#isInNamespace(pid);
    const isOrphan = adoptsOrphans && ppid === ownPid && roots.size === 1 && roots.has(root);
    return isOrphan || hasVariable(pid, this.#variable);
  }

  /**
   * The parent of one that has gone into the background may have ended before it was seen. A namespace ends with its first
   * process, and another one may have the same name then.
   */
  #isInNamespace(pid: number): boolean {
    const own = this.#first === undefined ? undefined : pidNamespaceOf(this.#first);
    return own !== undefined && pidNamespaceOf(pid) === own;
  }

  /** In a namespace: bubblewrap and the shell that it starts. They are none of the submission's. */
  #wrappers(all: Process[]): Set<number> {
    const root = this.#root;
    if (!this.#hasNamespace || root === undefined) return new Set();
    return new Set([root, ...all.filter(({ ppid }) => ppid === root).map(({ pid }) => pid)]);
  }

  /** What su(1) and the like have started, as another user in a session of its own: it gets no Ctrl-C from them. */
  #handedOver(root: number): Process[] {
    if (platform !== 'linux') return [];
    const isHandedOver = ({ pid, ppid, session }: Process) =>
      pid === session && ownerOf(pid)?.uid !== ownerOf(ppid)?.uid;
    return family(root).filter((member) => member.pid !== root && isHandedOver(member));
  }
}

/**
 * Ends and reaps what submissions have left behind that could not be told apart while several ran.
 *
 * @returns the names of what was left
 */
export async function endOrphans(): Promise<string[]> {
  if (!adoptsOrphans || roots.size > 0) return [];
  const orphans = processes().filter(({ ppid }) => ppid === ownPid);
  const deadline = performance.now() + KILL_LIMIT_MS;
  while (endOrReap() > 0 && performance.now() < deadline) await pause(2);
  return orphans.map(({ name }) => name);
}

/** @returns how many processes there were to end or to reap */
function endOrReap(): number {
  const orphans = processes().filter(({ ppid }) => ppid === ownPid);
  for (const { pid } of orphans.flatMap(({ pid }) => family(pid))) signalTo(pid, 'SIGKILL');
  return orphans.length + reapOrphans();
}

/** Takes adopted processes that have ended off the process table. @returns how many there were */
function reapOrphans(): number {
  if (!adoptsOrphans) return 0;
  const newest = newestId();
  const pids = processIds();
  elders.renew(newest, true, () => pids);
  const others = pids.filter((pid) => !started.has(pid) && !elders.ids.has(pid));
  const ended = others.filter((pid) => zombie(pid)?.ppid === ownPid);
  for (const pid of ended) sys.reap?.(pid);
  return ended.length;
}

/** Whether an id is that of a process, and not of one of its threads. */
const isProcess = (id: number) => processOfThread(id) === id;

/** Sends a signal to a process that may have ended meanwhile, or have become another user's. */
function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    kill(pid, signal);
  } catch (err) {
    if (!['ESRCH', 'EPERM'].includes((err as NodeJS.ErrnoException).code ?? '')) throw err;
  }
}
