/** For a server that was started with a channel (IPC): says on request what it has cost, and ends with its parent. */

// All threads together, since its start.
process.on('message', () => process.send?.(process.cpuUsage()));

// process.exit() would wait for a worker that is blocked in select().
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
