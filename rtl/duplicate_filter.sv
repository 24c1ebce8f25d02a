// Remembers the last packet accepted from each source in each traffic class, for both buses.
//
// A source has one packet of a flow in flight and numbers them, so a packet that bears the number
// and epoch of the last one accepted is that same packet, sent again because its answer was lost.
// The epoch tells a restarted source's first packet from the last one before.

module duplicate_filter
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
(
  input  logic           clk_i,
  /// Low also while the engine is disabled.
  input  logic           rst_ni,
  /// By bus: the packet at hand, whether it is a duplicate, and that it has just been accepted.
  input  packet_header_t header_i    [2],
  output logic [1:0]     duplicate_o,
  input  logic [1:0]     accept_i
);

  typedef struct packed {
    logic [3:0] epoch;
    logic [15:0] sequence_number;
  } last_t;

  last_t                 last_q [2*MaxNodes];  // where known_q is set
  logic [2*MaxNodes-1:0] known_q;

  logic [4:0] flow [2];
  always_comb begin
    for (int unsigned b = 0; b < 2; b++) begin
      flow[b] = {header_i[b].traffic_class, header_i[b].source};
      duplicate_o[b] = known_q[flow[b]] &&
                       (last_q[flow[b]] == {header_i[b].epoch, header_i[b].sequence_number});
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      known_q <= '0;
    end else if (accept_i != '0) begin
      for (int unsigned b = 0; b < 2; b++) begin
        if (accept_i[b]) begin
          known_q[flow[b]] <= 1'b1;
          last_q[flow[b]]  <= {header_i[b].epoch, header_i[b].sequence_number};
        end
      end
    end
  end

endmodule
