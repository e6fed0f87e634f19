# Ruby's own XML-RPC server. Says its port, and ends with stdin.
require "xmlrpc/server"

server = XMLRPC::Server.new(0, "127.0.0.1", 4, "/dev/null", false, false)
server.add_handler("addition", ["int", "int", "int"], "Adds.") { |a, b| a + b }
server.add_handler("echo") { |value| value }
server.add_handler("fail") { raise XMLRPC::FaultException.new(4, "too many") }
server.add_introspection
server.add_multicall if ARGV.include?("multicall")
Thread.new { server.serve }
$stdout.puts server.instance_variable_get(:@server).config[:Port]
$stdout.flush
$stdin.read
exit!
