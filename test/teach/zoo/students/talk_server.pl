# talk_server: a chat server in Perl. The environment's KIND names the one thing that it does otherwise.
use strict;
use warnings;
use Getopt::Long qw(:config no_ignore_case);
use IO::Select;
use IO::Socket::INET;
use Socket qw(MSG_DONTWAIT);

my $kind = $ENV{KIND} // 'none';
my ($port, $verbose) = (12345, 0);
local $SIG{__WARN__} = sub { };
GetOptions(($kind eq 'shortoptions' ? 'p' : 'port|p') . '=i' => \$port, ($kind eq 'shortoptions' ? 'v' : 'verbose|v') => \$verbose);
$| = 1;
$SIG{PIPE} = 'IGNORE';
$SIG{INT} = sub { exit 0 };

my $listener = IO::Socket::INET->new(LocalPort => $port, Listen => 20, ReuseAddr => 1)
  or die "talk_server: $!\n";
my $select = IO::Select->new($listener);
my $timeout = $kind eq 'timeval' ? 3 : $kind eq 'timeout' ? 1 : undef;

sub send_all {
    my ($sock, $data) = @_;
    return $sock->send($data, MSG_DONTWAIT) if $kind eq 'partial';
    while (length $data) {
        my $sent = syswrite($sock, $data) or return;
        substr($data, 0, $sent) = '';
    }
}

while (1) {
    my @ready = $kind eq 'turns'
      ? (IO::Select->new($listener)->can_read(0.1),
        IO::Select->new(grep { $_ != $listener } $select->handles)->can_read(0.1))
      : $select->can_read($timeout);
    $timeout = 0 if $kind eq 'timeval' && !@ready;
    for my $sock (@ready) {
        if ($sock == $listener) {
            my $conn = $listener->accept or next;
            $select->add($conn);
            send_all($conn, 'Thank you for connecting');
            print "a connection\n" if $verbose && $kind ne 'messages';
            next;
        }
        my $size = sysread($kind eq 'wrongsocket' ? $listener : $sock, my $data, 1024);
        die "talk_server: sysread: $!\n" if !defined $size && $kind eq 'wrongsocket';
        if ($size) {
            print "$size bytes\n" if $verbose;
            send_all($_, $data) for grep { $_ != $listener && ($_ != $sock || $kind eq 'back') } $select->handles;
            next;
        }
        print "one has left\n" if $verbose && $kind ne 'messages';
        $select->remove($sock);
        close $sock;
    }
}
