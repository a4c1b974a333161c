# An echo server in Perl. The third argument names one thing that it does otherwise.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;

$| = 1;
$SIG{PIPE} = 'IGNORE';
my ($host, $port, $how) = (@ARGV, '');
my $listener = IO::Socket::INET->new(LocalHost => $host, LocalPort => $port, Listen => 10, ReuseAddr => 1) or die "listen: $!\n";
print "Listening on ('$host', $port)\n";
my $reading = IO::Select->new($listener);
my (%out, %name);

sub forget {
  my ($s) = @_;
  $reading->remove($s);
  delete $out{$s};
  close $s;
}

if ($how eq 'forks') {
  $SIG{CHLD} = 'IGNORE';
  while (my $conn = $listener->accept) {
    next if fork;
    while (sysread($conn, my $data, 4096)) {
      print "Echoing b'$data' to ('" . $conn->peerhost . "', " . $conn->peerport . ")\n";
      for (my $at = 0; $at < length $data;) { $at += syswrite($conn, $data, length($data) - $at, $at) // exit }
    }
    exit;
  }
}
while (1) {
  my @pending = grep { defined $out{$_} && length $out{$_} } $reading->handles;
  my ($r, $w) = IO::Select::select($reading, IO::Select->new(@pending), undef);
  for my $s (@$r) {
    if ($s == $listener) {
      my $conn = $listener->accept;
      $conn->blocking(0);
      $name{$conn} = "('" . $conn->peerhost . "', " . $conn->peerport . ")";
      $out{$conn} = '';
      $reading->add($conn);
      next;
    }
    my $got = sysread($s, my $data, $how eq 'slow' ? 512 : 65536);
    die "sysread: $!\n" if !defined $got && !$!{EAGAIN} && $how eq 'reset';
    exit 0 if defined $got && $got == 0 && $how eq 'leaves';
    if (!$got) { next if $!{EAGAIN} && !defined $got; forget($s); next }
    $out{$s} .= $data;
  }
  for my $s (@$w) {
    next unless defined $out{$s};
    next if $how eq 'slow' && grep { $_ == $s } @$r;
    print "Echoing b'" . substr($out{$s}, 0, 60) . "' to $name{$s}\n";
    my $sent = syswrite($s, $out{$s});
    if (!defined $sent) { next if $!{EAGAIN}; die "syswrite: $!\n" if $how eq 'reset'; forget($s); next }
    substr($out{$s}, 0, $sent, '');
  }
}
