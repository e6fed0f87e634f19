# RPC::XML::Server of Perl. Says its port, and ends after two minutes at the latest.
use strict;
use warnings;
use RPC::XML::Server;

$| = 1;
alarm 120;
my $server = RPC::XML::Server->new(host => "127.0.0.1", port => 0);
ref $server or die $server;
$server->add_method({
    name => "addition", signature => ["int int int"], help => "Adds.",
    code => sub { my ($server, $one, $other) = @_; $one + $other },
});
$server->add_method({
    name => "echo", signature => ["struct struct", "array array", "string string"],
    code => sub { $_[1] },
});
$server->add_method({
    name => "fail", signature => ["int"], code => sub { die RPC::XML::fault->new(4, "too many") },
});
print $server->port, "\n";
$server->server_loop;
