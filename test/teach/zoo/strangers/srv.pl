# A chat server in Perl. The third argument names one thing that it does otherwise.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use threads;

$| = 1;
$SIG{PIPE} = 'IGNORE';
$SIG{INT} = sub { exit 0 };
my ($host, $port, $how) = (@ARGV, '');
my $end = $how eq 'newline' ? "\n" : '';
my $listener = IO::Socket::INET->new(LocalHost => $host, LocalPort => $port, Listen => 10, ReuseAddr => 1) or die "listen: $!\n";
my $select = IO::Select->new($listener);
my %name;

sub online {
    my $count = $select->count - 1;
    return "($count user" . ($count == 1 ? '' : 's') . ' online)';
}

sub tell_all {
    my ($text, $but) = @_;
    for my $s (grep { $_ != $listener && $_ != $but } $select->handles) { syswrite($s, $text . $end) }
}

sub take {
    my $s = $listener->accept or return;
    $select->add($s);
    $name{$s} = $s->peerhost . ':' . $s->peerport;
    syswrite($s, '> Connected to the chat server ' . online() . $end);
    tell_all("> New user $name{$s} entered. " . online(), $s);
    threads->create(sub { sysread($s, my $data, 1024) and die "no user of that name\n" })->detach if $how eq 'dies';
}

while ($how eq 'dies') { take() }
while (1) {
    for my $s ($select->can_read) {
        if ($s == $listener) { take(); next }
        if (sysread($s, my $data, 1024)) { tell_all("[$name{$s}] $data", $s); next }
        $select->remove($s);
        close $s;
        tell_all("< The user $name{$s} left " . online(), $s);
    }
}
