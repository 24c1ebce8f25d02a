// One send ring: fetches posted descriptors from node RAM, in order, one ahead.
//
//                        ┌──► offer, maybe malformed ──► send scheduler
//   node RAM ──► check ──┤
//                        └──► transfer (data ring) ────► bulk sender
//
// The doorbell is a level (tail differs from head), so it cannot be lost. A descriptor is checked
// when it arrives. Well formed is
// * a message: at least one destination, all of which exist; up to 256 bytes that lie in RAM;
// * a write, in the data ring: one destination that exists; at least one byte, all in RAM;
// * a read, in the data ring: one destination that exists; at least one byte;
// each with an address on a line and a route that is known. Whether a read's own window is fit for
// it the bulk sender finds out. A malformed descriptor is offered like a message, so that it gets
// its event.

`include "assertions.svh"

module send_ring
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  parameter int unsigned    NumNodes = 4,
  /// Node RAM, up to 1 MiB.
  parameter int unsigned    RamBytes = 262144,
  /// Traffic class of the ring. That of control takes messages only.
  parameter traffic_class_e Class    = TrafficClassData
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
  /// The descriptor in front, when it is a message or malformed; then it is not to be sent.
  output logic             valid_o,
  output offer_t           offer_o,
  output logic             malformed_o,
  input  logic             take_i,
  /// The descriptor in front, when it is a well-formed transfer.
  output logic             transfer_valid_o,
  output send_descriptor_t transfer_o,
  input  logic             transfer_take_i,
  /// The next edge changes something, without anything from outside the engine.
  output logic             busy_o,
  /// Everything posted has been taken.
  output logic             idle_o
);

  typedef enum logic [1:0] {
    Empty,     // fetches when something is posted
    Fetching,  // the descriptor is on the read port
    Ready,     // an offer, or malformed
    Transfer
  } state_e;

  state_e           state_q;
  index_t           head_q;
  send_descriptor_t descriptor_q, fetched;
  logic             malformed_q;

  assign fetched = send_descriptor_t'(read_data_i);

  function automatic logic is_transfer(input logic [3:0] kind);
    return (Class == TrafficClassData) && ((kind == PacketKindWrite) || (kind == PacketKindRead));
  endfunction

  /* verilator lint_off UNUSEDSIGNAL */  // what is right whatever it says
  function automatic logic is_well_formed(input send_descriptor_t descriptor);
  /* verilator lint_on UNUSEDSIGNAL */
    logic in_ram, one;
    in_ram = (32'(descriptor.address) < RamBytes) &&
             (32'(descriptor.address) + 32'(descriptor.length) <= RamBytes);
    if ((descriptor.dst_mask == '0) || ((descriptor.dst_mask >> NumNodes) != '0) ||
        (descriptor.address[3:0] != '0) || (descriptor.route > RouteY)) begin
      return 1'b0;
    end
    if (descriptor.kind == PacketKindMessage) begin
      return in_ram && (descriptor.length <= 20'(MaxPayloadBytes));
    end
    one = (descriptor.dst_mask & (descriptor.dst_mask - 16'd1)) == '0;
    return is_transfer(descriptor.kind) && one &&
           (descriptor.length != '0) && (in_ram || (descriptor.kind == PacketKindRead));
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
          state_q      <= (is_well_formed(fetched) && is_transfer(fetched.kind)) ? Transfer : Ready;
          descriptor_q <= fetched;
          malformed_q  <= !is_well_formed(fetched);
        end
        Ready: begin
          if (take_i) state_q <= Empty;
        end
        Transfer: begin
          if (transfer_take_i) state_q <= Empty;
        end
        default: ;
      endcase
    end
  end

  always_comb begin
    offer_o               = '0;
    offer_o.origin        = OriginRing;
    offer_o.route         = route_e'(descriptor_q.route);
    offer_o.traffic_class = Class;
    offer_o.kind          = packet_kind_e'(descriptor_q.kind);
    offer_o.destinations  = descriptor_q.dst_mask;
    offer_o.length        = descriptor_q.length[8:0];
    offer_o.address       = descriptor_q.address[19:4];
    offer_o.cookie        = descriptor_q.cookie;
  end

  assign read_valid_o     = (state_q == Empty) && (head_q != tail_i);
  assign read_address_o   = base_i + line_address_t'(head_q & mask_i);
  assign head_o           = head_q;
  assign valid_o          = state_q == Ready;
  assign malformed_o      = malformed_q;
  assign transfer_valid_o = state_q == Transfer;
  assign transfer_o       = descriptor_q;
  assign busy_o           = read_valid_o || (state_q == Fetching) || take_i || transfer_take_i;
  assign idle_o           = (state_q == Empty) && (head_q == tail_i);

  // Rules.
  `XYBUS_RULE(TakeNeedsDescriptor, !take_i || valid_o)
  `XYBUS_RULE(TakeNeedsTransfer, !transfer_take_i || transfer_valid_o)
  `XYBUS_RULE(FetchNeedsPosting, !read_valid_o || (head_q != tail_i))
  `XYBUS_RULE(ControlHasNoTransfer, !transfer_valid_o || (Class == TrafficClassData))

endmodule
