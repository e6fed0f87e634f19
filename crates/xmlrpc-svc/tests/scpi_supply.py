"""A power supply as SCPI-1999 and IEEE 488.2 have it, by TCP: one peer at a time.

Tells its port. As it was left by somebody at its buttons, there is an error in its queue.
"""

import re
import socketserver

MAX_VOLTS = 20.0


class Supply:
    def __init__(self):
        self.volts, self.is_on = 0.0, False
        self.errors = [(-221, "Settings conflict")]

    def hear(self, line):
        """The answers to the commands of a line, if there are any."""
        answers = [self.command(part.strip().lstrip(":")) for part in line.split(";")]
        return ";".join(answer for answer in answers if answer is not None)

    def command(self, text):
        header, _, argument = text.partition(" ")
        flow = self.volts / 4 if self.is_on else 0.0
        queries = {
            "*IDN?": lambda: "ACME,PSU-20,0042,1.7",
            "VOLT?": lambda: f"{self.volts:+.8E}",
            "OUTP?": lambda: str(int(self.is_on)),
            "MEAS:VOLT?": lambda: f"{self.volts if self.is_on else 0.0:+.8E}",
            "MEAS:CURR?": lambda: f"{flow:+.8E}",
            "SYST:ERR?": self.error,
        }
        if header in queries and not argument:
            return queries[header]()
        if header == "*CLS":
            self.errors.clear()
        elif header == "VOLT" and re.fullmatch(r"[-+0-9.E]+", argument):
            self.set_volts(float(argument))
        elif header == "OUTP" and argument in ("ON", "OFF"):
            self.is_on = argument == "ON"
        else:
            self.errors.append((-113, "Undefined header"))
        return None

    def set_volts(self, volts):
        if 0 <= volts <= MAX_VOLTS:
            self.volts = volts
        else:
            self.errors.append((-222, "Data out of range"))

    def error(self):
        number, text = self.errors.pop(0) if self.errors else (0, "No error")
        return f'{number},"{text}"'


SUPPLY = Supply()


class Peer(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            answer = SUPPLY.hear(line.decode("ascii").strip())
            if answer:
                self.wfile.write(answer.encode("ascii") + b"\n")


with socketserver.TCPServer(("127.0.0.1", 0), Peer) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
