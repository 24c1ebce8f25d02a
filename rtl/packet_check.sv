// Follows the beats of one packet: header, CRC, window word, read request, length.
//
//   Header1 ─► Window ─► Payload        as the beats come; a message has no window word
//
// The last beat bears the CRC over all beats before it. What of that beat lies above the CRC must
// be zero, so no bit of a packet is unprotected.

module packet_check
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
  import crc32c_pkg::*;
#(
  /// Bits of a beat: 32 or 64.
  parameter int unsigned DataWidth = 32
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  /// The beat at hand, only of packets for this node. One that breaks off just stops.
  input  strobes_t             strobes_i,
  input  logic [DataWidth-1:0] data_i,
  /// The header, from the beat after it on.
  output packet_header_t       header_o,
  /// The beat at hand is the window word, and the word from then on.
  output logic                 window_valid_o,
  output window_word_t         window_o,
  /// The beat at hand is payload, and how many came before it.
  output logic                 payload_valid_o,
  output logic [6:0]           index_o,
  /// The request of a read packet, whose length is there with the first beat of payload.
  output read_request_t        request_o,
  /// The beat at hand is the last one; the CRC is right; and the packet is what its header says.
  output logic                 ends_o,
  output logic                 good_o,
  output logic                 well_formed_o
);

  typedef enum logic [1:0] {
    Header1,
    Window,
    Payload
  } state_e;

  state_e         state_q;  // what the beat at hand is, unless it is the first or the last
  packet_header_t header_q;
  logic [31:0]    crc_q;
  logic [6:0]     beats_q;  // of payload; sticks at the most
  window_word_t   window_q;
  logic           padded_q; // what came with the window word was zero
  read_request_t  request_q;

  function automatic logic [31:0] crc_of(input logic [31:0] crc, input logic [DataWidth-1:0] beat);
    crc_of = crc;
    for (int unsigned i = 0; i < DataWidth; i += 32) crc_of = crc32c_step(crc_of, beat[i+:32]);
  endfunction

  // Zero, above the first word of a beat.
  function automatic logic is_padded(input logic [DataWidth-1:0] beat);
    return (beat >> 32) == '0;
  endfunction

  // What follows the header.
  function automatic state_e after_header(input logic [3:0] kind);
    return ((kind == PacketKindWrite) || (kind == PacketKindRead)) ? Window : Payload;
  endfunction

  logic is_first_payload;
  assign payload_valid_o  = strobes_i.valid && !strobes_i.first && !strobes_i.last &&
                            (state_q == Payload);
  assign is_first_payload = payload_valid_o && (beats_q == '0);
  assign window_valid_o   = strobes_i.valid && !strobes_i.first && !strobes_i.last &&
                            (state_q == Window);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q   <= Payload;
      header_q  <= '0;
      crc_q     <= '0;
      beats_q   <= '0;
      window_q  <= '0;
      padded_q  <= 1'b0;
      request_q <= '0;
    end else if (strobes_i.valid && strobes_i.first) begin
      state_q                 <= (DataWidth == 64) ? after_header(data_i[23:20]) : Header1;
      header_q[DataWidth-1:0] <= data_i;
      crc_q                   <= crc_of(Crc32cInitial, data_i);
      beats_q                 <= '0;
      padded_q                <= 1'b1;
    end else if (strobes_i.valid && !strobes_i.last) begin
      crc_q <= crc_of(crc_q, data_i);
      unique case (state_q)
        Header1: begin
          state_q         <= after_header(header_q.kind);
          header_q[63:32] <= data_i[31:0];
        end
        Window: begin
          state_q  <= Payload;
          window_q <= data_i[31:0];
          padded_q <= is_padded(data_i);
        end
        default: begin
          if (beats_q != '1) beats_q <= beats_q + 7'd1;
          if (beats_q == '0) request_q[DataWidth-1:0] <= data_i;
          if ((DataWidth == 32) && (beats_q == 7'd1)) request_q[63:32] <= data_i[31:0];
        end
      endcase
    end
  end

  // ---- The whole packet ---------------------------------------------------------------------

  localparam int unsigned BeatBytes = DataWidth / 8;

  assign ends_o = strobes_i.valid && strobes_i.last;
  assign good_o = !strobes_i.first && (data_i[31:0] == ~crc_q) && is_padded(data_i);

  always_comb begin
    well_formed_o = 1'b0;
    if (ends_o) begin
      well_formed_o = (state_q == Payload) && padded_q &&
                      (header_q.length <= 12'(MaxPayloadBytes)) &&
                      (9'(beats_q) == 9'((header_q.length[8:0] + 9'(BeatBytes - 1)) /
                                         9'(BeatBytes)));
      unique case (header_q.kind)
        PacketKindMessage, PacketKindWrite: ;
        PacketKindRead: if (header_q.length != 12'(ReadPayloadBytes)) well_formed_o = 1'b0;
        default: well_formed_o = 1'b0;
      endcase
    end
  end

  assign header_o = header_q;
  assign window_o = window_valid_o ? window_word_t'(data_i[31:0]) : window_q;
  assign index_o  = beats_q;

  always_comb begin
    request_o = request_q;
    if (is_first_payload) request_o.length = data_i[19:0];
  end

endmodule
