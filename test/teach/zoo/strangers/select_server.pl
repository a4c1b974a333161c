# A select-server in Perl. The second argument names one thing that it does otherwise.
use strict;
use warnings;
use IO::Select;
use IO::Socket::IP;

$| = 1;
my ($port, $how) = (@ARGV, '');
my $host = $how eq 'v6' ? '::1' : '127.0.0.1';
my $listener = IO::Socket::IP->new(LocalHost => $host, LocalPort => $port, Listen => 10, ReuseAddr => 1) or die "listen: $!\n";
my ($reading, $writing) = (IO::Select->new($listener), IO::Select->new);
my %address;
print "waiting\n";

sub say_line {
  my ($text) = @_;
  $text = "$text   " if $how eq 'trail';
  $text = "$text\r" if $how eq 'crlf';
  $text = "\e[1;34m$text\e[0m" if $how eq 'ansi';
  $text = "2026-11-29 12:00:00 $text" if $how eq 'stamp';
  $text =~ s/\) (\d+) bytes/): $1 bytes/ if $how eq 'extracolon';
  $text = ucfirst $text if $how eq 'none';
  print "$text\n";
}

while (1) {
  my @ready = map { @$_ } (IO::Select::select($reading, $how eq 'busy' ? $writing : undef, undef))[0];
  for my $s (@ready) {
    if ($s == $listener) {
      my $conn = $listener->accept;
      $address{$conn} = "('" . $conn->peerhost . "', " . $conn->peerport . ")";
      $reading->add($conn);
      say_line("$address{$conn}: connected");
      next;
    }
    my $got = sysread($s, my $data, 4096);
    if ($got) {
      die "Can't locate object method \"bytes\" at select_server.pl line 42.\n" if $how eq 'crashdata';
      say_line("$address{$s} $got bytes: b'$data'");
      $writing->add($s) if $how eq 'busy';
    } else {
      die "recv: $!\n" if !defined $got && $how eq 'reset';
      say_line("$address{$s}: disconnected");
      $reading->remove($s);
      $writing->remove($s);
      close $s;
    }
  }
}
