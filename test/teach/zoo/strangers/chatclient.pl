# A chat client in Perl. The third argument names one thing that it does otherwise.
use strict;
use warnings;
use IO::Select;
use IO::Socket::IP;

$| = 1;
my ($host, $port, $how) = (@ARGV, '');
my $server = IO::Socket::IP->new(PeerHost => $host, PeerPort => $port) or die "connect: $!\n";
if ($how eq 'hello') {
  sysread($server, my $welcome, 1024);
  print $welcome;
  sysread(STDIN, my $name, 1024);
  syswrite($server, $name);
  sysread($server, my $answer, 1024);
  print $answer;
}
my $reading = IO::Select->new($server, \*STDIN);
while (1) {
  for my $s ($reading->can_read) {
    if (!sysread($s, my $data, 1024)) {
      print $how eq 'typo' ? "Disconected from server!\n" : "Disconnected from server!\n" if $s == $server;
      exit 0;
    } elsif ($s == $server) {
      print $data;
    } else {
      syswrite($server, $data);
    }
  }
}
