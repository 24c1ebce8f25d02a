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
    logic       valid;
    logic [3:0] epoch;
    logic [7:0] sequence_number;
  } last_t;

  last_t last_q [2*MaxNodes];

  logic [4:0] flow [2];
  always_comb begin
    for (int unsigned b = 0; b < 2; b++) begin
      flow[b] = {header_i[b].traffic_class, header_i[b].source};
      duplicate_o[b] = last_q[flow[b]].valid &&
                       (last_q[flow[b]].epoch == header_i[b].epoch) &&
                       (last_q[flow[b]].sequence_number == header_i[b].sequence_number);
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      for (int unsigned i = 0; i < 2 * MaxNodes; i++) last_q[i] <= '0;
    end else if (accept_i != '0) begin
      for (int unsigned b = 0; b < 2; b++) begin
        if (accept_i[b]) begin
          last_q[flow[b]] <= '{
            valid: 1'b1,
            epoch: header_i[b].epoch,
            sequence_number: header_i[b].sequence_number
          };
        end
      end
    end
  end

endmodule
