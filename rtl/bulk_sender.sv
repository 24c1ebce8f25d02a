// Carries out the transfers that the CPU posts in the data ring, one after the other.
//
//   send ring ──transfer──► bulk sender ──► segmenter ──packets──► send scheduler
//                            │      │           ▲
//              window table ◄┘      └► event    └── fates: lanes, scheduler
//
// A write goes in packets of 256 bytes, the last with the rest; each has its place in the far
// window, and only the last may tell the far CPU. A read is one packet: it asks the far engine to
// write into a window of this node, which must allow the far node to write so many bytes there;
// the generation is filled in here. The CPU gets one event: when the last packet was accepted, or
// after the first that was not. Packets after a failure are never sent.
//
// A read that the far engine has no room for is asked again after a pause, up to the limit of busy
// answers. It waits here and not in a lane, where it would hold its flow: the packets that serve
// the reads of others, which wait for just these, must pass.
//
// A transfer is taken when the event ring has room, and its entry is claimed then. When the own
// window does not allow a read, the event's status is refused, and its header is one that was never
// sent: number, length and epoch are zero.

`include "assertions.svh"

module bulk_sender
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
(
  input  logic             clk_i,
  /// Low also while the engine is disabled.
  input  logic             rst_ni,
  input  logic [3:0]       node_i,
  /// Most busy answers to a read; 0 counts as 1.
  input  logic [15:0]      busy_limit_i,
  /// The transfer in front of the data ring, well formed.
  input  logic             transfer_valid_i,
  input  send_descriptor_t transfer_i,
  output logic             transfer_take_o,
  /// Question to the window table; the reply comes in the cycle after it was taken.
  output logic             lookup_valid_o,
  output lookup_t          lookup_o,
  input  logic             lookup_ready_i,
  /* verilator lint_off UNUSEDSIGNAL */  // the far engine brings the address
  input  lookup_reply_t    lookup_reply_i,
  /* verilator lint_on UNUSEDSIGNAL */
  /// To the send scheduler; see segmenter for the fates, of lane X, lane Y and the scheduler.
  output logic             valid_o,
  output offer_t           offer_o,
  input  logic             take_i,
  input  fate_t            fate_i [3],
  /// The event ring has room; one entry of it is claimed; the event.
  input  logic             room_i,
  output logic             claim_o,
  output logic             event_valid_o,
  output event_entry_t     event_o,
  input  logic             event_ready_i,
  /// The next edge changes something, without anything from outside the engine.
  output logic             busy_o,
  /// No transfer is under way or waits.
  output logic             idle_o
);

  typedef enum logic [2:0] {
    Idle,
    Question,  // read: to the window table
    Reply,
    Start,
    Send,
    Pause,     // read: until it is asked again
    Report
  } state_e;

  state_e         state_q;
  logic [7:0]     generation_q;  // of the own window
  logic           bus_q;
  send_status_e   status_q;
  packet_header_t header_q;
  logic [15:0]    busy_q;        // busy answers to the read
  logic [10:0]    pause_q;       // cycles left

  /* verilator lint_off UNUSEDSIGNAL */  // reserved fields; the offset within a line, which is 0
  send_descriptor_t transfer_q;
  /* verilator lint_on UNUSEDSIGNAL */
  logic is_read;
  assign is_read = transfer_q.kind == PacketKindRead;

  // ---- Packets ------------------------------------------------------------------------------

  window_word_t  far_place;
  read_request_t request;
  logic          ask, done, seg_bus, seg_busy, unused_denied;
  logic [8:0]    unused_length;
  line_address_t lines;
  send_status_e  seg_status;
  packet_header_t seg_header;

  assign far_place = '{
    offset:     transfer_q.cookie[31:16],
    generation: transfer_q.generation,
    window:     transfer_q.window
  };

  always_comb begin
    request = '0;
    if (is_read) begin
      request.length = transfer_q.length;
      request.reply  = {transfer_q.address[19:4], generation_q, transfer_q.own_window};
    end
  end

  segmenter #(
    .Origin(OriginWrite)
  ) u_segmenter (
    .clk_i,
    .rst_ni,
    .start_i       (state_q == Start),
    .route_i       (route_e'(transfer_q.route)),
    .kind_i        (packet_kind_e'(transfer_q.kind)),
    .destinations_i(transfer_q.dst_mask),
    .length_i      (is_read ? 20'(ReadPayloadBytes) : transfer_q.length),
    .window_i      (far_place),
    .notify_i      (transfer_q.notify && !is_read),
    .request_i     (request),
    .ask_o         (ask),
    .length_o      (unused_length),
    .lines_o       (lines),
    .leave_i       (ask),
    .deny_i        (1'b0),
    .address_i     (is_read ? '0 : transfer_q.address[19:4] + lines),
    .valid_o,
    .offer_o,
    .take_i,
    .fate_i,
    .done_o        (done),
    .status_o      (seg_status),
    .denied_o      (unused_denied),
    .bus_o         (seg_bus),
    .header_o      (seg_header),
    .busy_o        (seg_busy)
  );

  // ---- Transfers ----------------------------------------------------------------------------

  assign transfer_take_o = (state_q == Idle) && transfer_valid_i && room_i;
  assign claim_o         = transfer_take_o;
  assign lookup_valid_o  = state_q == Question;
  assign lookup_o = '{
    own:    1'b1,
    write:  1'b1,
    peer:   index_of(transfer_q.dst_mask),
    length: transfer_q.length,
    place:  '{
      offset:     transfer_q.address[19:4],
      generation: '0,
      window:     transfer_q.own_window
    }
  };

  function automatic logic [3:0] index_of(input nodes_t one_hot);
    index_of = '0;
    for (int unsigned i = 0; i < MaxNodes; i++) if (one_hot[i]) index_of |= 4'(i);
  endfunction

  // A lane gives a read up after one busy answer.
  logic again;
  assign again = is_read && (seg_status == SendStatusBusy) && (busy_q + 16'd1 < busy_limit_i);

  // 16 cycles after the first busy answer, doubled for each further one, to 1024.
  function automatic logic [10:0] pause_of(input logic [15:0] answers);
    return (answers < 16'd6) ? 11'd16 << answers[2:0] : 11'd1024;
  endfunction

  packet_header_t unsent;
  always_comb begin
    unsent               = '0;
    unsent.dst_mask      = transfer_q.dst_mask;
    unsent.source        = node_i;
    unsent.kind          = transfer_q.kind;
    unsent.traffic_class = TrafficClassData;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= Idle;
    end else begin
      unique case (state_q)
        Idle: begin
          if (transfer_take_o) begin
            state_q    <= (transfer_i.kind == PacketKindRead) ? Question : Start;
            transfer_q <= transfer_i;
            busy_q     <= '0;
          end
        end
        Question: begin
          if (lookup_ready_i) state_q <= Reply;
        end
        Reply: begin
          state_q      <= lookup_reply_i.allowed ? Start : Report;
          generation_q <= lookup_reply_i.generation;
          status_q     <= SendStatusRefused;
          bus_q        <= 1'b0;
          header_q     <= unsent;
        end
        Start: state_q <= Send;
        Send: begin
          if (done) begin
            state_q  <= again ? Pause : Report;
            pause_q  <= pause_of(busy_q);
            busy_q   <= busy_q + 16'd1;
            status_q <= seg_status;
            bus_q    <= seg_bus;
            header_q <= seg_header;
          end
        end
        Pause: begin
          pause_q <= pause_q - 11'd1;
          if (pause_q == '0) state_q <= Start;
        end
        Report: begin
          if (event_ready_i) state_q <= Idle;
        end
        default: state_q <= Idle;
      endcase
    end
  end

  always_comb begin
    event_o            = '0;
    event_o.event_type = EventTypeSent;
    event_o.bus        = bus_q;
    event_o.status     = status_q;
    event_o.missed     = (status_q == SendStatusOk) ? '0 : transfer_q.dst_mask;
    event_o.cookie     = transfer_q.cookie;
    {event_o.header_1, event_o.header_0} = header_q;
  end

  assign event_valid_o = state_q == Report;
  assign busy_o        = seg_busy || transfer_take_o || ((state_q != Idle) && (state_q != Send));
  assign idle_o        = (state_q == Idle) && !transfer_valid_i;

  // Rules. A second transfer, or an entry of the event ring, is taken when the last is over.
  `XYBUS_RULE(ClaimNeedsRoom, !claim_o || room_i)
  `XYBUS_RULE(OneTransferAtATime, !transfer_take_o || !(valid_o || event_valid_o))
  `XYBUS_RULE(ReadIsOnePacket, !(valid_o && is_read) || (lines == '0))

endmodule
