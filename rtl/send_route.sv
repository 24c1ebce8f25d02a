// Send route: the buses that a packet may take. Without state of its own.
//
// A bus is as good as its worst path to one of the destinations. The better bus is taken, and
// waited for; of two equal ones whichever is free. Every 16th packet to a destination tries a bus
// that is suspect although the other is not: it comes back when it works again. When no bus has a
// path to any of the destinations, the packet is unreachable. A forced route is always taken.

module send_route
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
(
  input  logic       valid_i,
  input  nodes_t     destinations_i,
  input  route_e     route_i,
  /// The packet is one that tries a suspect bus.
  input  logic       trial_i,
  /// Paths that are suspect, or down, by bus.
  input  nodes_t     suspect_i [2],
  input  nodes_t     down_i    [2],
  output logic [1:0] buses_o,
  output logic       unreachable_o
);

  logic [1:0] suspect, down;

  always_comb begin
    buses_o       = '0;
    unreachable_o = 1'b0;
    suspect       = '0;
    down          = '0;
    if (valid_i) begin
      for (int unsigned b = 0; b < 2; b++) begin
        suspect[b] = (destinations_i & suspect_i[b]) != '0;
        down[b]    = (destinations_i & down_i[b]) != '0;
      end
      if (route_i == RouteX)      buses_o = 2'b01;
      else if (route_i == RouteY) buses_o = 2'b10;
      else if (down != 2'b00) begin
        buses_o       = (down == 2'b11) ? 2'b11 : ~down;
        unreachable_o = (destinations_i & ~(down_i[0] & down_i[1])) == '0;
      end else if ((suspect == 2'b01) || (suspect == 2'b10)) begin
        buses_o = trial_i ? suspect : ~suspect;
      end else begin
        buses_o = 2'b11;
      end
    end
  end

endmodule
