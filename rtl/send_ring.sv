// One send ring: fetches posted descriptors from node RAM, in order, one ahead.
//
// The doorbell is a level (tail differs from head), so it cannot be lost. A descriptor is checked
// when it arrives: a kind that is known, one destination that exists, a length in range, an address
// on a line of RAM.

`include "assertions.svh"

module send_ring
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  parameter int unsigned NumNodes = 4,
  parameter int unsigned RamBytes = 262144
) (
  input  logic             clk_i,
  /// Low also while the engine is disabled.
  input  logic             rst_ni,
  /// First line, and size - 1, of the ring.
  input  line_address_t    base_i,
  input  index_t           mask_i,
  /// Descriptors posted by the CPU; descriptors fetched.
  input  index_t           tail_i,
  output index_t           head_o,
  /// Read port: the data comes in the cycle after the request was taken.
  output logic             read_valid_o,
  output line_address_t    read_address_o,
  input  logic             read_ready_i,
  input  line_t            read_data_i,
  /// The descriptor in front, and whether it is well formed.
  output logic             valid_o,
  output send_descriptor_t descriptor_o,
  output logic             well_formed_o,
  output logic [3:0]       destination_o,
  input  logic             take_i,
  output logic             idle_o
);

  typedef enum logic [1:0] {
    Empty,
    Fetching,
    Ready
  } state_e;

  state_e           state_q;
  index_t           head_q;
  send_descriptor_t descriptor_q, fetched;
  logic             well_formed_q;
  logic [3:0]       destination_q;

  assign read_valid_o   = (state_q == Empty) && (head_q != tail_i);
  assign read_address_o = base_i + line_address_t'(head_q & mask_i);
  assign fetched        = send_descriptor_t'(read_data_i);

  logic fetched_well_formed;
  assign fetched_well_formed =
      $onehot(fetched.dst_mask) && ((fetched.dst_mask >> NumNodes) == '0) &&
      (fetched.length <= 12'(MaxPayloadBytes)) && (fetched.address[3:0] == '0) &&
      (fetched.address < 32'(RamBytes)) && (fetched.kind == PacketKindMessage);

  function automatic logic [3:0] index_of(input logic [15:0] one_hot);
    index_of = '0;
    for (int unsigned bit_number = 0; bit_number < 16; bit_number++) begin
      if (one_hot[bit_number]) index_of |= 4'(bit_number);
    end
  endfunction

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= Empty;
      head_q  <= '0;
    end else begin
      unique case (state_q)
        Empty: begin
          if (read_valid_o && read_ready_i) begin
            state_q <= Fetching;
            head_q  <= head_q + 16'd1;
          end
        end
        Fetching: begin
          state_q       <= Ready;
          descriptor_q  <= fetched;
          well_formed_q <= fetched_well_formed;
          destination_q <= index_of(fetched.dst_mask);
        end
        default: begin
          if (take_i) state_q <= Empty;
        end
      endcase
    end
  end

  assign head_o        = head_q;
  assign valid_o       = state_q == Ready;
  assign descriptor_o  = descriptor_q;
  assign well_formed_o = well_formed_q;
  assign destination_o = destination_q;
  assign idle_o        = (state_q == Empty) && (head_q == tail_i);

  // Rules.
  `XYBUS_RULE(TakeNeedsDescriptor, !take_i || valid_o)
  `XYBUS_RULE(FetchNeedsPosting, !read_valid_o || (head_q != tail_i))

endmodule
