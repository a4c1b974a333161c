/** The kernel's numbers of the calls that a thread can be blocked in, for each ABI that is read here (Linux). */
import { closeSync, openSync, readSync } from 'node:fs';
import { arch } from 'node:process';

/** Whose tables, registers and structures a program uses. */
export type Abi = 'x64' | 'ia32' | 'arm64';

const X64 =
  '0 read 1 write 7 poll 19 readv 20 writev 23 select 34 pause 35 nanosleep 42 connect 43 accept 44 sendto ' +
  '45 recvfrom 46 sendmsg 47 recvmsg 61 wait4 72 fcntl 73 flock 128 rt_sigtimedwait 130 rt_sigsuspend 202 futex ' +
  '219 restart_syscall 230 clock_nanosleep 232 epoll_wait 247 waitid 270 pselect6 271 ppoll 281 epoll_pwait ' +
  '288 accept4 299 recvmmsg 426 io_uring_enter 441 epoll_pwait2';
const IA32 =
  '0 restart_syscall 3 read 4 write 7 waitpid 29 pause 55 fcntl 82 old_select 102 socketcall 114 wait4 142 _newselect 143 flock ' +
  '145 readv 146 writev 162 nanosleep 168 poll 177 rt_sigtimedwait 179 rt_sigsuspend 221 fcntl64 240 futex ' +
  '256 epoll_wait 267 clock_nanosleep 284 waitid 308 pselect6 309 ppoll 319 epoll_pwait 337 recvmmsg 362 connect ' +
  '364 accept4 369 sendto 370 sendmsg 371 recvfrom 372 recvmsg 407 clock_nanosleep_time64 413 pselect6_time64 ' +
  '414 ppoll_time64 417 recvmmsg_time64 421 rt_sigtimedwait_time64 422 futex_time64 426 io_uring_enter ' +
  '441 epoll_pwait2';
const ARM64 =
  '22 epoll_pwait 25 fcntl 32 flock 63 read 64 write 65 readv 66 writev 72 pselect6 73 ppoll 95 waitid 98 futex ' +
  '101 nanosleep 115 clock_nanosleep 128 restart_syscall 133 rt_sigsuspend 137 rt_sigtimedwait 202 accept ' +
  '203 connect 206 sendto 207 recvfrom 211 sendmsg 212 recvmsg 242 accept4 243 recvmmsg 260 wait4 ' +
  '426 io_uring_enter 441 epoll_pwait2';

const NAMES: Record<Abi, Map<number, string>> = {
  x64: namesIn(X64),
  ia32: namesIn(IA32),
  arm64: namesIn(ARM64),
};

function namesIn(table: string): Map<number, string> {
  const pairs = [...table.matchAll(/(\d+) (\w+)/g)];
  return new Map(pairs.map(([, number, name]) => [Number(number), name as string]));
}

/** The kernel's name of a call; undefined when it is not in the tables. */
export function kernelName(abi: Abi, number: number): string | undefined {
  return NAMES[abi].get(number);
}

/** In an ELF header: 1 for 32 bits, 2 for 64. */
const CLASS_OFFSET = 4;
const MACHINE_OFFSET = 18;
const MACHINES: Record<string, Abi> = { '2 62': 'x64', '1 3': 'ia32', '2 183': 'arm64' };

/**
 * The ABI of the program that a process runs, from the ELF header of its file; this one's own where that may not be read.
 *
 * @returns undefined when it is one whose calls cannot be read here
 */
export function abiOf(pid: number): Abi | undefined {
  const header = Buffer.alloc(MACHINE_OFFSET + 2);
  try {
    const fd = openSync(`/proc/${pid}/exe`, 'r');
    try {
      readSync(fd, header, 0, header.length, 0);
    } finally {
      closeSync(fd);
    }
  } catch {
    return arch === 'arm64' ? 'arm64' : 'x64';
  }
  return MACHINES[`${header[CLASS_OFFSET]} ${header.readUInt16LE(MACHINE_OFFSET)}`];
}
